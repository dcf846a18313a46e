// The floor under a pooler: what a program that does next to nothing costs for the same work.
//
//   floor-epoll INI      each step a system call of its own
//   floor-ring INI       accepts, receives, sends and closes by io_uring: one call for all that is due
//
// It reads two ports and a number of servers from the ini that lib.sh writes, opens its servers (trust), answers each login with the
// bytes of its own login, hands each query to a free server and each answer to its client, and closes a client that says goodbye.
// It checks nothing, counts nothing, logs nothing, knows one pool, and takes for granted that a query and its answer come in one
// piece. A pooler that makes the same system calls cannot cost less. Built and run by floor.sh.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { QUEUE = 4096, PIECE = 4096, MOST_CLIENTS = 16384 };

struct peer {
    int fd;
    char is_server, is_in, first;
    struct peer *other, *next;
    char bytes[PIECE];
};

static struct peer *idle_servers, *first_waiting, *last_waiting, *spare;
static char welcome[PIECE];
static int welcome_length, listener, by_ring;

static void fail(const char *what) { perror(what); exit(1); }

// --- The ring ---------------------------------------------------------------------------------------------------

static int ring, epoll;
static unsigned *sq_head, *sq_tail, *sq_array, *cq_head, *cq_tail, sq_mask, cq_mask, put_off;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;

static void open_ring(void)
{
    struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE, .cq_entries = 4 * QUEUE};
    ring = syscall(SYS_io_uring_setup, QUEUE, &p);
    if (ring < 0) fail("io_uring_setup");
    char *sq = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
    char *cq = mmap(0, p.cq_off.cqes + p.cq_entries * sizeof *cqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
    sqes = mmap(0, p.sq_entries * sizeof *sqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
    sq_head = (unsigned *)(sq + p.sq_off.head), sq_tail = (unsigned *)(sq + p.sq_off.tail), sq_array = (unsigned *)(sq + p.sq_off.array);
    sq_mask = *(unsigned *)(sq + p.sq_off.ring_mask);
    cq_head = (unsigned *)(cq + p.cq_off.head), cq_tail = (unsigned *)(cq + p.cq_off.tail), cq_mask = *(unsigned *)(cq + p.cq_off.ring_mask);
    cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
    for (unsigned i = 0; i <= sq_mask; i++) sq_array[i] = i;
}

static void enter(unsigned wait_for)
{
    int done = syscall(SYS_io_uring_enter, ring, put_off, wait_for, IORING_ENTER_GETEVENTS, 0, 0);
    if (done < 0 && errno != EINTR) fail("io_uring_enter");
    if (done > 0) put_off -= done;
}

static struct io_uring_sqe *entry(int op, int fd, void *bytes, unsigned length, struct peer *about)
{
    if (put_off > sq_mask) enter(0);
    struct io_uring_sqe *e = &sqes[*sq_tail & sq_mask];
    memset(e, 0, sizeof *e);
    e->opcode = op, e->fd = fd, e->addr = (uintptr_t)bytes, e->len = length, e->user_data = (uintptr_t)about;
    __atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
    put_off++;
    return e;
}

// --- What both ways have in common ------------------------------------------------------------------------------

static void say(struct peer *to, void *bytes, int length)
{
    if (by_ring) entry(IORING_OP_SEND, to->fd, bytes, length, 0)->flags = IOSQE_CQE_SKIP_SUCCESS;
    else if (send(to->fd, bytes, length, MSG_NOSIGNAL) != length && !to->is_server) perror("send");
}

static void listen_to(struct peer *p)
{
    if (!by_ring) return;
    // A new client's first words are often there already; later ones never are.
    entry(IORING_OP_RECV, p->fd, p->bytes, PIECE, p)->ioprio = p->first ? 0 : IORING_RECVSEND_POLL_FIRST;
    p->first = 0;
}

static void welcome_client(int fd)
{
    struct peer *p = spare;
    if (!p) { fprintf(stderr, "too many clients\n"); exit(1); }
    spare = p->next;
    *p = (struct peer){.fd = fd, .first = 1};
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = p};
    if (!by_ring && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e)) fail("epoll_ctl");
    listen_to(p);
}

static void end_client(struct peer *p)
{
    if (by_ring) entry(IORING_OP_CLOSE, p->fd, 0, 0, 0)->flags = IOSQE_CQE_SKIP_SUCCESS;
    else close(p->fd);
    p->next = spare;
    spare = p;
}

static void link_to(struct peer *client, struct peer *server, int length)
{
    client->other = server, server->other = client;
    say(server, client->bytes, length);
}

static void on_bytes(struct peer *p, int length)
{
    if (p->is_server) {
        if (length <= 0) { fprintf(stderr, "a server left\n"); exit(1); }
        struct peer *client = p->other;
        say(client, p->bytes, length);
        listen_to(p);
        p->other = client->other = 0;
        struct peer *next = first_waiting;
        if (!next) { p->next = idle_servers, idle_servers = p; return; }
        first_waiting = next->next;
        link_to(next, p, strlen(next->bytes + 5) + 6);
        return;
    }
    if (length <= 0 || (p->is_in && p->bytes[0] == 'X')) { end_client(p); return; }
    if (!p->is_in) {
        if (length == 8) say(p, "N", 1);
        else p->is_in = 1, say(p, welcome, welcome_length);
        listen_to(p);
        return;
    }
    struct peer *server = idle_servers;
    if (server) { idle_servers = server->next; link_to(p, server, length); }
    else {
        p->next = 0;
        if (first_waiting) last_waiting->next = p; else first_waiting = p;
        last_waiting = p;
    }
    listen_to(p);
}

static struct peer *open_server(int port)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->is_server = 1;
    p->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(p->fd, (void *)&to, sizeof to)) fail("connect");
    int one = 1;
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    static const char login[] = "\0\0\0\43\0\3\0\0user\0bench\0database\0bench\0"; // 35 bytes, the last of which ends the text.
    int n = sizeof login;
    memcpy(p->bytes, login, n);
    if (send(p->fd, p->bytes, n, 0) != n) fail("send");
    for (n = 0; n < 6 || memcmp(p->bytes + n - 6, "Z\0\0\0\5I", 6);) {
        int more = recv(p->fd, p->bytes + n, PIECE - n, 0);
        if (more <= 0 || p->bytes[0] == 'E') { fprintf(stderr, "the server refused the login\n"); exit(1); }
        n += more;
    }
    memcpy(welcome, p->bytes, welcome_length = n);
    p->next = idle_servers;
    return idle_servers = p;
}

// --- Two ways of waiting ----------------------------------------------------------------------------------------

static void run_ring(void)
{
    for (;;) {
        enter(1);
        unsigned head = *cq_head, tail = __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE);
        for (; head != tail; head++) {
            struct io_uring_cqe *c = &cqes[head & cq_mask];
            struct peer *p = (struct peer *)(uintptr_t)c->user_data;
            if ((void *)p == &listener) {
                if (c->res < 0) { errno = -c->res; fail("accept"); }
                welcome_client(c->res);
            } else if (p) on_bytes(p, c->res);
        }
        __atomic_store_n(cq_head, head, __ATOMIC_RELEASE);
    }
}

static void run_epoll(void)
{
    static struct epoll_event events[64];
    for (;;) {
        int n = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (p) {
                int length = recv(p->fd, p->bytes, PIECE, 0);
                if (length >= 0 || errno != EAGAIN) on_bytes(p, length);
            }
            else {
                int fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) welcome_client(fd);
            }
        }
    }
}

int main(int count, char **arguments)
{
    if (count == 2 && !strcmp(arguments[1], "-V")) { puts("floor"); return 0; }
    FILE *ini = count == 2 ? fopen(arguments[1], "r") : 0;
    if (!ini) { fprintf(stderr, "usage: %s INI\n", arguments[0]); return 2; }
    int port = 0, server_port = 0, servers = 20;
    for (char line[4096]; fgets(line, sizeof line, ini);) {
        sscanf(line, "listen_port = %d", &port);
        sscanf(line, "bench = host=127.0.0.1 port=%d", &server_port);
        sscanf(line, "default_pool_size = %d", &servers);
    }
    fclose(ini);
    by_ring = strstr(arguments[0], "epoll") == 0;
    struct peer *clients = calloc(MOST_CLIENTS, sizeof *clients);
    for (int i = 0; i < MOST_CLIENTS; i++) clients[i].next = spare, spare = &clients[i];
    if (by_ring) open_ring();
    else epoll = epoll_create1(0);
    for (int i = 0; i < servers; i++) {
        struct peer *p = open_server(server_port);
        struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = p};
        if (by_ring) listen_to(p);
        else if (epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e)) fail("epoll_ctl");
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    listener = socket(AF_INET, SOCK_STREAM | (by_ring ? 0 : SOCK_NONBLOCK), 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // Sockets that are accepted inherit it.
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) fail("listen");
    struct epoll_event e = {.events = EPOLLIN};
    if (!by_ring) { if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e)) fail("epoll_ctl"); run_epoll(); }
    entry(IORING_OP_ACCEPT, listener, 0, 0, (void *)&listener)->ioprio = IORING_ACCEPT_MULTISHOT;
    run_ring();
}
