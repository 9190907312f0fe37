#include "Archive.h"
#include "Worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int64_t python_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void python_thread_wake(slipway_adapter_state *state) {
    uint64_t one = 1;
    /* It fails only where it has been woken already, 2^64 times. */
    ssize_t written = write(state->wake, &one, sizeof one);
    (void)written;
}

void python_thread_wake_at(slipway_adapter_state *state, int64_t time) {
    if (time < atomic_load(&state->wakes_at)) python_thread_wake(state);
}

static void take_arrivals(slipway_adapter_state *state) {
    pthread_mutex_lock(&state->lock);
    python_worker *arrived = state->arrived;
    state->arrived = NULL;
    pthread_mutex_unlock(&state->lock);
    while (arrived) {
        python_worker *worker = arrived;
        arrived = worker->next;
        worker->next = state->workers;
        state->workers = worker;
    }
}

static bool is_gone(python_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    bool gone = worker->is_leaving && worker->process == 0;
    pthread_mutex_unlock(&worker->lock);
    return gone;
}

/* Looks at each worker; when to look again. */
static int64_t tick(slipway_adapter_state *state) {
    int64_t now = python_now(), next = INT64_MAX;
    for (python_worker **link = &state->workers; *link;) {
        python_worker *worker = *link;
        int64_t time = python_worker_tick(worker, now);
        if (time < next) next = time;
        if (is_gone(worker)) {
            *link = worker->next;
            python_worker_leave(worker);
        } else {
            link = &worker->next;
        }
    }
    return next;
}

static void handle(slipway_adapter_state *state, const struct epoll_event *event) {
    python_source *source = event->data.ptr;
    if (!source) {
        uint64_t count;
        ssize_t got = read(state->wake, &count, sizeof count);
        (void)got;
        return;
    }
    switch (source->kind) {
    case SOURCE_CHANNEL:
        while (python_worker_read_channel(source->worker)) continue;
        break;
    case SOURCE_PROCESS:
        python_worker_reap(source->worker);
        break;
    case SOURCE_OUTPUT:
        python_worker_read_output(source->worker, false);
        break;
    }
}

static void *run(void *argument) {
    slipway_adapter_state *state = argument;
    enum { batch = 64 };
    struct epoll_event events[batch];
    for (;;) {
        /* Until it is known when to look next, whoever has something wakes. */
        atomic_store(&state->wakes_at, INT64_MAX);
        take_arrivals(state);
        int64_t next = tick(state);
        pthread_mutex_lock(&state->lock);
        bool done = state->is_stopping && !state->workers && !state->arrived;
        pthread_mutex_unlock(&state->lock);
        if (done) return NULL;
        int timeout = -1;
        if (next != INT64_MAX) {
            int64_t left = next - python_now();
            timeout = left <= 0 ? 0 : left / 1000000 >= 60000 ? 60000 : (int)(left / 1000000 + 1);
            atomic_store(&state->wakes_at, next);
        }
        int count = epoll_wait(state->poll, events, batch, timeout);
        for (int index = 0; index < count; ++index) handle(state, &events[index]);
    }
}

static slipway_status *start(slipway_adapter_state *state) {
    state->poll = python_descriptor_high(epoll_create1(EPOLL_CLOEXEC));
    state->wake = python_descriptor_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    state->archive = python_archive_make(&state->bootstrap_size);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int error = 0;
    if (state->poll < 0 || state->wake < 0 || state->archive < 0
        || epoll_ctl(state->poll, EPOLL_CTL_ADD, state->wake, &event) != 0) {
        error = errno;
    } else {
        /* No signal is ours to handle. */
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&state->thread, NULL, run, state);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (!error) {
        pthread_setname_np(state->thread, "python-adapter");
        state->is_running = true;
        return NULL;
    }
    int files[] = {state->poll, state->wake, state->archive};
    for (int index = 0; index < 3; ++index) {
        if (files[index] >= 0) close(files[index]);
    }
    return adapter_status(
        state->host, SLIPWAY_RESOURCE_EXHAUSTED, "the thread that tends Python's workers can't start: %s",
        strerrordesc_np(error));
}

slipway_status *python_thread_start(slipway_adapter_state *state) {
    pthread_mutex_lock(&state->lock);
    slipway_status *refusal = state->is_running ? NULL : start(state);
    pthread_mutex_unlock(&state->lock);
    return refusal;
}

void python_thread_stop(slipway_adapter_state *state) {
    pthread_mutex_lock(&state->lock);
    bool runs = state->is_running;
    state->is_stopping = true;
    pthread_mutex_unlock(&state->lock);
    if (!runs) return;
    python_thread_wake(state);
    pthread_join(state->thread, NULL);
    close(state->poll);
    close(state->wake);
    close(state->archive);
}
