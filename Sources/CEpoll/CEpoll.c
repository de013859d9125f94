// SPDX-License-Identifier: Apache-2.0

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "CEpoll.h"

#ifdef __linux__

#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int CEpollAccept(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

ssize_t CEpollReceive(int socket, void *buffer, size_t size) {
    return syscall(SYS_recvfrom, socket, buffer, size, 0, NULL, NULL);
}

ssize_t CEpollSend(int socket, const void *bytes, size_t count) {
    return syscall(SYS_sendto, socket, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

int CEpollWait(int epoll, struct epoll_event *events, int most, int milliseconds) {
    // epoll_wait itself is not among the calls of newer machines.
    return (int)syscall(SYS_epoll_pwait, epoll, events, most, milliseconds, NULL, 0);
}

int CEpollProcessors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

#endif
