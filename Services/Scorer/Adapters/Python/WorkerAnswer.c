#include "Worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { longest_message = 16 * 1024, largest_description = 16 << 20 };

typedef struct python_said {
    char *message;
    slipway_bytes traceback;
} python_said;

static bool is_named(const python_frame_item *item, const char *name) {
    return item->name.size == strlen(name) && !memcmp(item->name.data, name, item->name.size);
}

/* What FAILED and ERROR say; the message is the caller's to free. False where the frame is damaged. */
static bool read_said(python_worker *worker, const python_frame_header *header, python_said *said) {
    *said = (python_said){0};
    for (uint32_t index = 0; index < header->count; ++index) {
        python_frame_item item;
        if (!python_frame_next(&worker->frame, &worker->answers, &item)) break;
        if (is_named(&item, "message") && !said->message) {
            size_t size = item.content.size < longest_message ? item.content.size : longest_message;
            said->message = strndup(item.content.data, size);
            if (said->message) python_text_clean(said->message, strlen(said->message));
        } else if (is_named(&item, "traceback")) {
            said->traceback = item.content;
        }
    }
    return said->message != NULL;
}

static void log_traceback(python_worker *worker, const python_said *said) {
    if (said->traceback.size > 0) {
        python_worker_log(worker, SLIPWAY_LOG_ERROR, said->traceback.data, said->traceback.size);
    }
}

/* Keeps the description of the first worker that says one. */
static bool read_description(python_worker *worker, const python_frame_header *header) {
    slipway_model *model = worker->model;
    python_frame_item item;
    if (header->count != 1 || !python_frame_next(&worker->frame, &worker->answers, &item)
        || item.content.size > largest_description) {
        return false;
    }
    pthread_mutex_lock(&model->saying);
    bool fits = true;
    if (!model->description) {
        model->description = malloc(item.content.size + 1);
        fits = model->description != NULL;
        if (fits) {
            memcpy(model->description, item.content.data, item.content.size);
            model->description_size = item.content.size;
            model->flags = header->flags;
        }
    } else {
        fits = model->flags == header->flags;
    }
    pthread_mutex_unlock(&model->saying);
    return fits;
}

/* The lock is held; what is returned completes `taken`. */
static slipway_status *ready(python_worker *worker, slipway_execution **taken) {
    worker->phase = WORKER_IDLE;
    worker->is_first = false;
    worker->was_ready = true;
    worker->ready_at = python_now();
    worker->starts_by = 0;
    slipway_status *refusal = NULL;
    if (worker->current && worker->end == END_NONE) {
        worker->phase = WORKER_BUSY;
        refusal = python_worker_send(worker);
        if (refusal) {
            worker->phase = WORKER_IDLE;
            *taken = python_worker_take(worker);
        } else {
            python_worker_schedule_end(worker);
        }
    }
    pthread_cond_broadcast(&worker->changed);
    return refusal;
}

/* Whether the elements of a BYTES tensor fill it exactly. */
static bool is_bytes_tensor(const uint8_t *data, uint64_t size, const int64_t *shape, uint32_t rank) {
    uint64_t place = 0, count = 0, wanted = 1;
    for (uint32_t index = 0; index < rank; ++index) {
        if (shape[index] < 0 || __builtin_mul_overflow(wanted, (uint64_t)shape[index], &wanted)) return false;
    }
    while (place < size) {
        uint32_t length;
        if (size - place < sizeof length) return false;
        memcpy(&length, data + place, sizeof length);
        place += sizeof length;
        if (size - place < length) return false;
        place += length;
        ++count;
    }
    return count == wanted;
}

/* Copies the answer's tensors to where the host sends them from. The worker is BUSY: nobody else uses its frame. */
static slipway_status *hand_over(python_worker *worker, const python_frame_header *header) {
    const slipway_host *host = worker->model->state->host;
    for (uint32_t index = 0; index < header->count; ++index) {
        python_frame_item item;
        if (!python_frame_next(&worker->frame, &worker->answers, &item)) {
            return adapter_status(host, SLIPWAY_INTERNAL, "the script's worker gave an answer that can't be read");
        }
        slipway_status *refusal = NULL;
        void *output = host->output(
            host->context, worker->current, item.name, item.datatype, item.shape, item.rank, item.content.size,
            &refusal);
        if (refusal) return refusal;
        if (!output && item.content.size > 0) {
            return adapter_out_of_memory(host, "an output");
        }
        if (output && item.content.size > 0) memcpy(output, item.content.data, item.content.size);
        /* What lies in shared memory may change: the copy is what counts. */
        if (item.datatype == SLIPWAY_BYTES && !is_bytes_tensor(output, item.content.size, item.shape, item.rank)) {
            return adapter_status(
                host, SLIPWAY_INTERNAL, "the script's worker gave an output `%.*s` whose elements do not fill it",
                (int)item.name.size, (const char *)item.name.data);
        }
    }
    return NULL;
}

static slipway_status *error_status(python_worker *worker, const python_frame_header *header) {
    const slipway_host *host = worker->model->state->host;
    python_said said;
    if (!read_said(worker, header, &said)) {
        free(said.message);
        return adapter_status(host, SLIPWAY_INTERNAL, "the script's worker gave an error that can't be read");
    }
    log_traceback(worker, &said);
    slipway_code code = (slipway_code)header->code;
    if (code <= 0 || code > SLIPWAY_UNAVAILABLE) code = SLIPWAY_INTERNAL;
    if (code == SLIPWAY_UNKNOWN) atomic_fetch_add(&worker->model->script_failures, 1);
    slipway_status *status;
    if (code == SLIPWAY_CANCELLED && (worker->end == END_DEADLINE || worker->end == END_TIMEOUT)) {
        status = adapter_status(
            host, SLIPWAY_DEADLINE_EXCEEDED, "the script took longer than %s allows, and was interrupted",
            worker->end == END_TIMEOUT ? "the option execution_timeout" : "the request's deadline");
    } else {
        status = adapter_status(host, code, "%s", said.message);
    }
    free(said.message);
    return status;
}

/* An answer to the current execution; the lock is held, and let go meanwhile. */
static void answered(python_worker *worker, const python_frame_header *header) {
    const slipway_host *host = worker->model->state->host;
    pthread_mutex_unlock(&worker->lock);
    slipway_status *status = header->kind == FRAME_ANSWER ? hand_over(worker, header) : error_status(worker, header);
    pthread_mutex_lock(&worker->lock);
    slipway_execution *execution = python_worker_take(worker);
    worker->ends_at = worker->kills_at = 0;
    worker->is_retained = header->flags & FRAME_RETAINED;
    worker->failures = 0;
    ++worker->answered;
    if (header->flags & FRAME_ENDING) {
        /* It ends by itself, and is helped if it does not. */
        worker->phase = WORKER_DOWN;
        worker->retry_at = 0;
        worker->kills_at = python_now() + 1000000000;
    } else {
        worker->phase = WORKER_IDLE;
    }
    pthread_mutex_unlock(&worker->lock);
    host->complete(host->context, execution, status);
    pthread_mutex_lock(&worker->lock);
}

/* The lock is held. False where a frame is not what may come now. */
static bool dispatch(python_worker *worker, slipway_execution **taken, slipway_status **status) {
    python_frame_header header;
    if (!python_frame_open(&worker->frame, &worker->answers, &header)) return false;
    python_said said;
    switch (header.kind) {
    case FRAME_READY:
        if (worker->phase != WORKER_STARTING || !read_description(worker, &header)) return false;
        *status = ready(worker, taken);
        return true;
    case FRAME_FAILED:
        if (worker->phase != WORKER_STARTING || !read_said(worker, &header, &said)) return false;
        python_worker_remember(worker, (slipway_code)header.code, "%s", said.message);
        log_traceback(worker, &said);
        free(said.message);
        return true;
    case FRAME_ANSWER:
    case FRAME_ERROR:
        if (worker->phase != WORKER_BUSY || !worker->is_sent) return false;
        answered(worker, &header);
        return true;
    default:
        return false;
    }
}

bool python_worker_read_channel(python_worker *worker) {
    const slipway_host *host = worker->model->state->host;
    slipway_execution *taken = NULL;
    slipway_status *status = NULL;
    pthread_mutex_lock(&worker->lock);
    ssize_t size = -1;
    if (worker->channel.file >= 0) {
        /* Anything that comes is unasked unless it starts or executes: then the frame is the thread's. */
        bool is_due = worker->phase == WORKER_STARTING || worker->phase == WORKER_BUSY;
        uint8_t unasked[64];
        void *place = is_due ? worker->frame.bytes : unasked;
        size_t room = is_due ? FRAME_CAPACITY : sizeof unasked;
        size = recv(worker->channel.file, place, room, MSG_DONTWAIT);
        /* That it left something unread is told before what it said itself. */
        if (size < 0 && errno == ECONNRESET) size = recv(worker->channel.file, place, room, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR) size = 1;
        else if (size == 0 || (size < 0 && errno != EAGAIN)) {
            /* It ends, or it has closed what it should not have. */
            python_source_close(&worker->channel);
            if (worker->process && !worker->kills_at) worker->kills_at = python_now() + 1000000000;
            size = -1;
        } else if (size > 0) {
            worker->frame.size = (uint64_t)size;
            if (!is_due || !dispatch(worker, &taken, &status)) {
                python_worker_kill(worker, SIGKILL, "it said what can't be understood");
                size = -1;
            }
        }
    }
    pthread_mutex_unlock(&worker->lock);
    if (taken) host->complete(host->context, taken, status);
    return size > 0;
}
