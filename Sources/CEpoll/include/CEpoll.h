// SPDX-License-Identifier: Apache-2.0
//
// What Swift's view of the C library leaves out of Linux's own calls. Empty elsewhere.

#ifndef C_EPOLL_H
#define C_EPOLL_H

#ifdef __linux__

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

// As numbers: the C libraries disagree on what these are, an enumeration or a macro, and so would Swift.
static const uint32_t CEpollReadable = EPOLLIN;
static const uint32_t CEpollWritable = EPOLLOUT;
// The peer has ended what it sends.
static const uint32_t CEpollInputEnd = EPOLLRDHUP;
// Told once, when something changes, and not for as long as it is so.
static const uint32_t CEpollEdge = EPOLLET;
// Reported whether asked for or not.
static const uint32_t CEpollHungUp = EPOLLHUP | EPOLLERR;
static const int CEpollCloseOnExec = EPOLL_CLOEXEC;
static const int CEpollEventFlags = EFD_CLOEXEC | EFD_NONBLOCK;
static const int CEpollStreamSocket = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
static const int CEpollStream = SOCK_STREAM;
static const int CEpollNoSignal = MSG_NOSIGNAL;

/// accept4(2) of a socket that does not block and that no child process inherits.
int CEpollAccept(int listener, struct sockaddr *address, socklen_t *length);

/// recv(2), send(2) with MSG_NOSIGNAL, and epoll_wait(2), without what the C library does around them so that a thread can be
/// cancelled within: nobody cancels an event loop's, and it is a part of each call that can be measured.
ssize_t CEpollReceive(int socket, void *buffer, size_t size);
ssize_t CEpollSend(int socket, const void *bytes, size_t count);
int CEpollWait(int epoll, struct epoll_event *events, int most, int milliseconds);

/// Processors that the calling thread may run on, by sched_getaffinity(2); 0 where the kernel does not say.
int CEpollProcessors(void);

#endif
#endif
