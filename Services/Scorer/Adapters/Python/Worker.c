#include "Worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

python_worker *python_worker_make(slipway_model *model, uint32_t index) {
    python_worker *worker = calloc(1, sizeof *worker);
    if (!worker) return NULL;
    worker->model = model;
    worker->index = index;
    worker->phase = WORKER_DOWN;
    worker->is_first = true;
    worker->channel = (python_source){SOURCE_CHANNEL, -1, worker};
    worker->exit = (python_source){SOURCE_PROCESS, -1, worker};
    worker->output = (python_source){SOURCE_OUTPUT, -1, worker};
    worker->requests = worker->answers = (python_region)PYTHON_REGION_NONE;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    atomic_fetch_add(&model->references, 1);
    pthread_mutex_lock(&model->lock);
    worker->sibling = model->workers;
    model->workers = worker;
    pthread_mutex_unlock(&model->lock);
    slipway_adapter_state *state = model->state;
    pthread_mutex_lock(&state->lock);
    worker->next = state->arrived;
    state->arrived = worker;
    pthread_mutex_unlock(&state->lock);
    python_thread_wake(state);
    return worker;
}

slipway_status *python_worker_wait(python_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    while (worker->is_first && worker->phase != WORKER_FAILED && worker->phase != WORKER_GONE) {
        pthread_cond_wait(&worker->changed, &worker->lock);
    }
    slipway_status *refusal = NULL;
    if (worker->phase == WORKER_FAILED || worker->phase == WORKER_GONE) {
        refusal = adapter_status(
            worker->model->state->host, worker->code ? worker->code : SLIPWAY_INTERNAL, "%s",
            worker->message ? worker->message : "the worker was stopped before it was ready");
    }
    pthread_mutex_unlock(&worker->lock);
    return refusal;
}

void python_worker_release(python_worker *worker) {
    free(worker->message);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    python_model_release(worker->model);
    free(worker);
}

void python_worker_free(python_worker *worker) {
    slipway_model *model = worker->model;
    slipway_adapter_state *state = model->state;
    pthread_mutex_lock(&model->lock);
    for (python_worker **link = &model->workers; *link; link = &(*link)->sibling) {
        if (*link != worker) continue;
        *link = worker->sibling;
        break;
    }
    pthread_mutex_unlock(&model->lock);
    bool is_own = pthread_equal(pthread_self(), state->thread);
    pthread_mutex_lock(&worker->lock);
    worker->is_leaving = true;
    worker->is_orphan = is_own;
    python_thread_wake(state);
    while (!is_own && worker->phase != WORKER_GONE) pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    if (!is_own) python_worker_release(worker);
}

/* ---- Requests */

/* The script still uses the memory of requests before: it keeps that, and this one comes in other memory. */
static bool renew(python_worker *worker) {
    python_region_free(&worker->requests);
    return python_region_make(&worker->requests, "slipway-requests", true);
}

static ssize_t transmit(python_worker *worker) {
    struct iovec part = {worker->frame.bytes, worker->frame.size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {0};
    if (worker->is_retained) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &worker->requests.file, sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(worker->channel.file, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

slipway_status *python_worker_send(python_worker *worker) {
    const slipway_host *host = worker->model->state->host;
    const slipway_execution *execution = worker->current;
    if (worker->is_retained && !renew(worker)) {
        return adapter_status(
            host, SLIPWAY_RESOURCE_EXHAUSTED, "no shared memory for the request: %s", strerrordesc_np(errno));
    }
    python_frame *frame = &worker->frame;
    python_frame_begin(frame, FRAME_EXECUTE);
    for (uint32_t index = 0; index < execution->input_count; ++index) {
        const slipway_tensor *input = &execution->inputs[index];
        python_frame_add(
            frame, &worker->requests, (uint8_t)input->datatype, input->name, input->shape, input->rank,
            (slipway_bytes){input->data, input->size});
    }
    for (uint32_t index = 0; index < execution->output_count; ++index) {
        python_frame_add(
            frame, &worker->requests, FRAME_WANTED, execution->output_names[index], NULL, 0, (slipway_bytes){NULL, 0});
    }
    if ((worker->model->flags & FRAME_WANTS_CONTEXT) && execution->context.size > 0) {
        python_frame_add(
            frame, &worker->requests, FRAME_RAW, (slipway_bytes){"context", 7}, NULL, 0, execution->context);
    }
    if (!python_frame_end(frame, &worker->requests)) {
        return adapter_status(
            host, SLIPWAY_RESOURCE_EXHAUSTED,
            "the request does not fit: no shared memory for it (%s), or more than %d bytes of names and shapes",
            strerrordesc_np(errno), FRAME_CAPACITY);
    }
    /* One that is dying has closed its end, and its death follows. */
    if (worker->channel.file < 0) return NULL;
    if (transmit(worker) < 0) {
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return NULL;
        return adapter_status(
            host, SLIPWAY_INTERNAL, "the request can't be sent to the script's worker: %s", strerrordesc_np(errno));
    }
    worker->is_sent = true;
    worker->is_retained = false;
    return NULL;
}

void python_worker_schedule_end(python_worker *worker) {
    int64_t timeout = worker->model->execution_timeout;
    int64_t by_timeout = timeout && worker->is_sent ? python_now() + timeout : 0;
    int64_t by_deadline = worker->current ? worker->current->deadline_ns : 0;
    worker->ends_at = by_timeout && (!by_deadline || by_timeout < by_deadline) ? by_timeout : by_deadline;
    if (worker->ends_at) python_thread_wake_at(worker->model->state, worker->ends_at);
}

slipway_execution *python_worker_take(python_worker *worker) {
    slipway_execution *execution = worker->current;
    worker->current = NULL;
    worker->is_sent = false;
    worker->end = END_NONE;
    return execution;
}

slipway_status *python_worker_execute(python_worker *worker, slipway_execution *execution) {
    const slipway_host *host = worker->model->state->host;
    slipway_status *refusal = NULL;
    pthread_mutex_lock(&worker->lock);
    if (worker->current) {
        refusal = adapter_status(host, SLIPWAY_INTERNAL, "the instance executes already; it takes one at a time");
    } else if (worker->phase == WORKER_DOWN && worker->failures > 0) {
        int64_t left = worker->retry_at - python_now();
        refusal = adapter_status(
            host, SLIPWAY_UNAVAILABLE, "the script's worker does not start: %s; it is tried again in %lld s",
            worker->message ? worker->message : "it dies at once", (long long)(left > 0 ? left / 1000000000 + 1 : 0));
    } else if (worker->phase == WORKER_GONE || worker->phase == WORKER_FAILED || worker->is_leaving) {
        refusal = adapter_status(host, SLIPWAY_UNAVAILABLE, "the script's worker has been stopped");
    } else {
        worker->current = execution;
        worker->is_sent = false;
        worker->end = END_NONE;
        if (worker->phase == WORKER_IDLE) {
            worker->phase = WORKER_BUSY;
            refusal = python_worker_send(worker);
        }
        if (refusal) {
            worker->phase = WORKER_IDLE;
            python_worker_take(worker);
        } else {
            atomic_fetch_add(&worker->model->executions, 1);
            python_worker_schedule_end(worker);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    return refusal;
}

void python_worker_cancel(python_worker *worker, slipway_execution *execution) {
    pthread_mutex_lock(&worker->lock);
    if (worker->current == execution && worker->end == END_NONE) {
        worker->end = END_CANCELLED;
        worker->ends_at = python_now();
        python_thread_wake(worker->model->state);
    }
    pthread_mutex_unlock(&worker->lock);
}

uint64_t python_worker_memory(python_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)worker->process);
    unsigned long long size = 0, resident = 0;
    FILE *file = worker->process > 0 ? fopen(path, "re") : NULL;
    if (file) {
        if (fscanf(file, "%llu %llu", &size, &resident) != 2) resident = 0;
        fclose(file);
    }
    pthread_mutex_unlock(&worker->lock);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
