// SPDX-License-Identifier: Apache-2.0
//
// The floor: what moving bytes costs whoever stands between a client and its upstream. One thread, one epoll, one upstream
// connection for each client connection; whatever is readable on one side is read once and written once to the other, and
// nothing is parsed. What a side does not take at once is kept, and the other side is not read until it is gone.
//
//   relay LISTEN-PORT UPSTREAM-PORT        both on 127.0.0.1

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, BACKLOG = 4096 };

struct side {
    int fd;
    struct side *peer;
    char *kept; // read from the peer, not yet taken by this side
    size_t kept_length;
    struct side *next_closed;
};

static int poller;
static char buffer[64 << 10];
static struct sockaddr_in upstream;
static struct side *closed; // freed after the batch of events that may still name them

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct side *side, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = side};
    if (epoll_ctl(poller, operation, side->fd, &event) < 0) fail("epoll_ctl");
}

static struct side *add(int fd) {
    struct side *side = calloc(1, sizeof *side);
    if (!side) fail("calloc");
    side->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return side;
}

static void take_client(int listener) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (client < 0) return;
    // Connecting may block, for on this machine it ends at once; sending and receiving never wait, by their flag.
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&upstream, sizeof upstream) < 0) fail("connect");
    struct side *a = add(client), *b = add(server);
    a->peer = b;
    b->peer = a;
    watch(a, EPOLL_CTL_ADD, EPOLLIN);
    watch(b, EPOLL_CTL_ADD, EPOLLIN);
}

static void close_both(struct side *side) {
    for (struct side *each = side; each->fd >= 0; each = each->peer) {
        close(each->fd);
        each->fd = -1;
        free(each->kept);
        each->next_closed = closed;
        closed = each;
    }
}

// What is sent, or -1 where the connection is lost.
static ssize_t send_some(struct side *side, const char *bytes, size_t length) {
    ssize_t sent = send(side->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static void move_from(struct side *side) {
    struct side *peer = side->peer;
    ssize_t length = recv(side->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN) return;
    ssize_t sent = length > 0 ? send_some(peer, buffer, length) : -1;
    if (sent < 0) return close_both(side);
    if (sent == length) return;
    peer->kept_length = length - sent;
    peer->kept = malloc(peer->kept_length);
    if (!peer->kept) fail("malloc");
    memcpy(peer->kept, buffer + sent, peer->kept_length);
    watch(side, EPOLL_CTL_MOD, 0);
    watch(peer, EPOLL_CTL_MOD, EPOLLOUT);
}

static void send_kept(struct side *side) {
    ssize_t sent = send_some(side, side->kept, side->kept_length);
    if (sent < 0) return close_both(side);
    side->kept_length -= sent;
    memmove(side->kept, side->kept + sent, side->kept_length);
    if (side->kept_length > 0) return;
    free(side->kept);
    side->kept = NULL;
    watch(side, EPOLL_CTL_MOD, EPOLLIN);
    watch(side->peer, EPOLL_CTL_MOD, EPOLLIN);
}

static int listen_on(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0) fail("listen");
    return listener;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "Usage: relay LISTEN-PORT UPSTREAM-PORT\n");
        return 2;
    }
    upstream = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(atoi(arguments[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = listen_on(atoi(arguments[1]));
    poller = epoll_create1(0);
    struct side door = {.fd = listener};
    watch(&door, EPOLL_CTL_ADD, EPOLLIN);

    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct side *side = events[i].data.ptr;
            if (side == &door) take_client(listener);
            else if (side->fd < 0) continue;
            else if (side->kept) send_kept(side);
            else move_from(side);
        }
        while (closed) {
            struct side *next = closed->next_closed;
            free(closed);
            closed = next;
        }
    }
}
