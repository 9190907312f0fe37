/* The adapter: its thread, and what all models of it share. */
#ifndef PYTHON_ADAPTER_STATE_H
#define PYTHON_ADAPTER_STATE_H

#include <adapter_common.h>
#include <slipway_adapter.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct python_worker python_worker;

/* No lock is held while the host is called to complete an execution: it may call back at once. */
struct slipway_adapter_state {
    const slipway_host *host;
    adapter_options_message *options;

    /* One thread spawns all workers (they are told to die with the thread that did), reads what they print and answer,
     * and restarts them. It starts with the first model. */
    pthread_mutex_t lock;
    bool is_running;
    bool is_stopping;
    pthread_t thread;
    int poll;    /* epoll */
    int wake;    /* eventfd */
    int archive; /* the worker's program */
    size_t bootstrap_size;
    python_worker *arrived; /* new ones, linked by `next`; the thread takes them from here */
    python_worker *workers; /* the thread's own */
    _Atomic int64_t wakes_at; /* on CLOCK_MONOTONIC: when the thread looks at its workers next */
};

/* Starts the thread unless it runs. */
slipway_status *python_thread_start(slipway_adapter_state *state);
/* Waits for the last workers, which may outlive their models for a moment, and ends the thread. */
void python_thread_stop(slipway_adapter_state *state);

/* Has the thread look at its workers now. */
void python_thread_wake(slipway_adapter_state *state);
/* The same at a later time, unless it will have looked by then. */
void python_thread_wake_at(slipway_adapter_state *state, int64_t time);

/* Nanoseconds on CLOCK_MONOTONIC. */
int64_t python_now(void);

extern const adapter_option python_model_options[];
extern const adapter_option python_adapter_options[];

#endif
