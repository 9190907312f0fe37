// Calls a server over HTTP/1.1 as fast as it answers, and measures how long each answer takes.
//
//     load PORT CONNECTIONS SECONDS CALLS FILE
//
// FILE holds whole requests, each behind a line with its length in bytes. Every connection sends the next of them when its
// last one is answered, until SECONDS have passed or CALLS are done. Prints calls, seconds, p50 and p99 in microseconds,
// answers other than 2xx, bytes of the answers, and the CPU seconds that this took here. The first bad answer goes to the
// standard error.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct request {
    const char *bytes;
    size_t length;
};

struct connection {
    int socket;
    const struct request *request;
    double began;
    char *buffer;
    size_t length, capacity;
};

static struct request *requests;
static size_t request_count, next_request;
static struct sockaddr_in address;
static int events;
static double *times;
static size_t time_count, time_capacity, bad, received, again;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t length, capacity = 0;
    if (!file) fail(path);
    while (fscanf(file, "%zu", &length) == 1) {
        char *bytes = malloc(length);
        if (!bytes || fgetc(file) != '\n' || fread(bytes, 1, length, file) != length) fail("a request is cut short");
        if (request_count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            requests = realloc(requests, capacity * sizeof *requests);
            if (!requests) fail("memory");
        }
        requests[request_count++] = (struct request){bytes, length};
    }
    fclose(file);
    if (!request_count) fail("no requests");
}

static void open_connection(struct connection *connection) {
    int one = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->socket < 0) fail("socket");
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(events, EPOLL_CTL_ADD, connection->socket, &event)) fail("epoll_ctl");
}

static void send_request(struct connection *connection) {
    const struct request *request = connection->request;
    int one = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    connection->length = 0;
    for (size_t sent = 0; sent < request->length;) {
        ssize_t count = send(connection->socket, request->bytes + sent, request->length - sent, MSG_NOSIGNAL);
        if (count < 0) fail("send");
        sent += (size_t)count;
    }
}

static void send_next(struct connection *connection) {
    connection->request = &requests[next_request++ % request_count];
    connection->began = now();
    send_request(connection);
}

// The length of the answer in the buffer, or 0 where it is not whole yet.
static size_t whole(const struct connection *connection) {
    const char *head_end = memmem(connection->buffer, connection->length, "\r\n\r\n", 4);
    if (!head_end) return 0;
    size_t head = (size_t)(head_end - connection->buffer) + 4;
    const char *given = strcasestr(connection->buffer, "\r\ncontent-length:");
    if (given && given < head_end) {
        size_t length = head + strtoul(given + 17, NULL, 10);
        return connection->length >= length ? length : 0;
    }
    // In chunks: the last of them is empty.
    if (connection->length >= head + 5 && !memcmp(connection->buffer + connection->length - 5, "0\r\n\r\n", 5))
        return connection->length;
    return 0;
}

static void note(double seconds) {
    if (time_count == time_capacity) {
        time_capacity = time_capacity ? time_capacity * 2 : 4096;
        times = realloc(times, time_capacity * sizeof *times);
        if (!times) fail("memory");
    }
    times[time_count++] = seconds;
}

// Whether an answer came to its end.
static int receive(struct connection *connection) {
    if (connection->capacity - connection->length < 65537) {
        connection->capacity = connection->capacity ? connection->capacity * 2 : 262144;
        connection->buffer = realloc(connection->buffer, connection->capacity);
        if (!connection->buffer) fail("memory");
    }
    ssize_t count = recv(connection->socket, connection->buffer + connection->length, 65536, 0);
    if (count < 0) fail("recv");
    if (count == 0) {
        // As clients do: again, on a new connection. It counts as one call.
        fprintf(stderr, "load: the server closed a connection amid an answer\n");
        if (++again > 10) exit(1);
        close(connection->socket);
        open_connection(connection);
        send_request(connection);
        return 0;
    }
    connection->length += (size_t)count;
    // A server that sends head and body apart would else wait 40 ms for us to acknowledge the head.
    int one = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    connection->buffer[connection->length] = 0;
    size_t length = whole(connection);
    if (!length) return 0;
    note(now() - connection->began);
    received += length;
    if (memcmp(connection->buffer, "HTTP/1.1 2", 10) && !bad++)
        fprintf(stderr, "load: %.1500s\n", connection->buffer);
    const char *closing = strcasestr(connection->buffer, "\r\nconnection: close");
    if (closing) {
        close(connection->socket);
        open_connection(connection);
    }
    return 1;
}

static int by_time(const void *one, const void *other) {
    double first = *(const double *)one, second = *(const double *)other;
    return (first > second) - (first < second);
}

int main(int count, char **arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS CALLS FILE\n");
        return 64;
    }
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)atoi(arguments[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size_t connection_count = strtoul(arguments[2], NULL, 10), calls = strtoul(arguments[4], NULL, 10), sent = 0, busy = 0;
    double seconds = atof(arguments[3]);
    read_requests(arguments[5]);
    events = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc(connection_count, sizeof *connections);
    if (events < 0 || !connections) fail("epoll");
    for (size_t index = 0; index < connection_count; index++) open_connection(&connections[index]);
    double start = now();
    for (size_t index = 0; index < connection_count && sent < calls; index++, sent++, busy++) send_next(&connections[index]);
    while (busy) {
        struct epoll_event ready[64];
        int found = epoll_wait(events, ready, 64, -1);
        if (found < 0 && errno != EINTR) fail("epoll_wait");
        for (int index = 0; index < found; index++) {
            struct connection *connection = ready[index].data.ptr;
            if (!receive(connection)) continue;
            if (sent < calls && now() - start < seconds) {
                sent++;
                send_next(connection);
            } else {
                busy--;
            }
        }
    }
    double taken = now() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(times, time_count, sizeof *times, by_time);
    printf("%zu %.6f %.1f %.1f %zu %zu %.3f\n", time_count, taken, times[time_count / 2] * 1e6,
        times[time_count * 99 / 100] * 1e6, bad, received, cpu);
    return 0;
}
