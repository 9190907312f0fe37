#include "Worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t second = 1000000000;
/* A process that is told to end has so long, then it is killed. */
static const int64_t stop_grace = second;
static const int64_t first_retry = second / 10, last_retry = 30 * second;

void python_source_close(python_source *source) {
    /* Closing takes it out of epoll's list too: no other process has this descriptor. */
    if (source->file >= 0) close(source->file);
    source->file = -1;
}

void python_worker_kill(python_worker *worker, int signal, const char *reason) {
    if (worker->process <= 0) return;
    if (signal != SIGKILL) {
        kill(worker->process, signal);
        return;
    }
    if (!worker->kill_reason) worker->kill_reason = reason;
    /* With all that it has started. */
    kill(-worker->process, SIGKILL);
    kill(worker->process, SIGKILL);
}

void python_worker_remember(python_worker *worker, slipway_code code, const char *format, ...) {
    adapter_text text = {0};
    va_list arguments;
    va_start(arguments, format);
    adapter_text_format_with(&text, format, arguments);
    va_end(arguments);
    free(worker->message);
    worker->code = code;
    worker->message = strdup(adapter_text_string(&text));
    adapter_text_free(&text);
}

/* How a process ended, for people. */
static void describe(const python_worker *worker, int status, char *text, size_t size) {
    char plain[96];
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        snprintf(plain, sizeof plain, "was killed by SIG%s", name ? name : "?");
    } else {
        snprintf(plain, sizeof plain, "ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    if (worker->kill_reason) {
        snprintf(text, size, "was stopped: %s", worker->kill_reason);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        snprintf(text, size, "%s (from outside, or because the machine ran out of memory)", plain);
    } else {
        snprintf(text, size, "%s", plain);
    }
}

static void back_off(python_worker *worker) {
    int64_t wait = first_retry;
    for (uint32_t count = 0; count < worker->failures && wait < last_retry; ++count) wait *= 2;
    ++worker->failures;
    worker->retry_at = python_now() + (wait < last_retry ? wait : last_retry);
}

static slipway_status *lost(python_worker *worker, const char *how) {
    const slipway_host *host = worker->model->state->host;
    switch (worker->end) {
    case END_CANCELLED:
        return adapter_status(host, SLIPWAY_CANCELLED, "nobody waits for the script's answer");
    case END_DEADLINE:
        return adapter_status(host, SLIPWAY_DEADLINE_EXCEEDED, "the script took longer than the request's deadline");
    case END_TIMEOUT:
        return adapter_status(
            host, SLIPWAY_DEADLINE_EXCEEDED, "the script took longer than the option execution_timeout allows");
    case END_NONE:
        break;
    }
    return adapter_status(
        host, SLIPWAY_INTERNAL, "the script's worker %s while it executed the request; it is being restarted", how);
}

/* The process is gone: what follows from it. What is returned completes `taken`. The lock is held. */
static slipway_status *follow(python_worker *worker, const char *how, slipway_execution **taken) {
    const slipway_host *host = worker->model->state->host;
    python_worker_phase phase = worker->phase;
    worker->phase = WORKER_DOWN;
    worker->starts_by = worker->ends_at = worker->kills_at = 0;
    if (phase == WORKER_STARTING) {
        if (!worker->message) {
            python_worker_remember(
                worker, SLIPWAY_FAILED_PRECONDITION, "the worker %s before it was ready%s%s", how,
                *worker->lines.last ? ": " : "", worker->lines.last);
        }
        if (worker->is_first) {
            worker->phase = WORKER_FAILED;
        } else {
            back_off(worker);
        }
        pthread_cond_broadcast(&worker->changed);
        if (worker->current) *taken = python_worker_take(worker);
        return *taken ? adapter_status(
                   host, SLIPWAY_UNAVAILABLE, "the script's worker does not start: %s",
                   worker->message ? worker->message : how)
                      : NULL;
    }
    worker->retry_at = 0;
    if (phase == WORKER_BUSY && worker->is_sent) {
        slipway_status *status = lost(worker, how);
        *taken = python_worker_take(worker);
        return status;
    }
    bool is_short = worker->was_ready && worker->answered == 0 && python_now() - worker->ready_at < second;
    if (phase == WORKER_IDLE && is_short) {
        python_worker_remember(worker, SLIPWAY_UNAVAILABLE, "the worker %s right after it was ready", how);
        back_off(worker);
    }
    if (worker->current) python_worker_schedule_end(worker);
    return NULL;
}

void python_worker_reap(python_worker *worker) {
    const slipway_host *host = worker->model->state->host;
    /* What it said last counts, before that it is gone does. */
    while (python_worker_read_channel(worker)) continue;
    pthread_mutex_lock(&worker->lock);
    int status = 0;
    if (worker->process > 0) {
        siginfo_t information = {0};
        /* Looked at without taking it: as long as it is not, its number is its own, and so is its group's. */
        int waited = waitid(P_PID, (id_t)worker->process, &information, WEXITED | WNOHANG | WNOWAIT);
        if (waited == 0 && information.si_pid == 0) {
            pthread_mutex_unlock(&worker->lock);
            return;
        }
        if (waited == 0) kill(-worker->process, SIGKILL);
        while (waitpid(worker->process, &status, 0) < 0 && errno == EINTR) continue;
    } else if (worker->phase != WORKER_STARTING) {
        pthread_mutex_unlock(&worker->lock);
        return;
    }
    pthread_mutex_unlock(&worker->lock);
    python_worker_read_output(worker, true);
    pthread_mutex_lock(&worker->lock);
    python_source_close(&worker->channel);
    python_source_close(&worker->exit);
    python_source_close(&worker->output);
    python_region_free(&worker->requests);
    python_region_free(&worker->answers);
    bool was_running = worker->process > 0;
    worker->process = 0;
    char how[256];
    describe(worker, status, how, sizeof how);
    if (was_running && !worker->is_leaving && worker->phase != WORKER_STARTING) {
        char line[320];
        int size = snprintf(line, sizeof line, "the worker %s", how);
        python_worker_log(worker, SLIPWAY_LOG_WARNING, line, (size_t)size);
    }
    slipway_execution *taken = NULL;
    slipway_status *refusal = follow(worker, how, &taken);
    pthread_mutex_unlock(&worker->lock);
    if (taken) host->complete(host->context, taken, refusal);
}

typedef enum python_step { STEP_NONE, STEP_SPAWN, STEP_END, STEP_REAP } python_step;

static python_step leaving(python_worker *worker, int64_t now) {
    if (worker->process <= 0) return worker->current ? STEP_END : STEP_NONE;
    if (worker->channel.file >= 0) {
        /* An idle worker sees that and ends by itself; others have nobody to end for. */
        python_source_close(&worker->channel);
        worker->starts_by = worker->ends_at = 0;
        worker->kills_at = now + stop_grace;
        if (worker->phase != WORKER_IDLE) python_worker_kill(worker, SIGKILL, "it is not wanted any more");
    }
    return STEP_NONE;
}

static void give_up_start(python_worker *worker) {
    static const char reason[] = "the script and its init() took longer than the option init_timeout allows";
    python_worker_remember(worker, SLIPWAY_DEADLINE_EXCEEDED, "%s", reason);
    python_worker_kill(worker, SIGKILL, reason);
    worker->starts_by = 0;
}

/* What an end that has come means for the current execution. The lock is held. */
static python_step end(python_worker *worker, int64_t now) {
    if (!worker->current) return STEP_NONE;
    if (worker->end == END_NONE) {
        worker->end = worker->current->deadline_ns && worker->current->deadline_ns <= now ? END_DEADLINE : END_TIMEOUT;
    }
    if (!worker->is_sent) {
        worker->ends_at = 0;
        return STEP_END;
    }
    /* Python code notices; what is stuck in a library's does not, and is killed. Again and again, for one that comes
     * before the script begins is not heard. */
    python_worker_kill(worker, SIGINT, NULL);
    worker->ends_at = now + second / 50;
    if (!worker->kills_at) worker->kills_at = now + worker->model->cancel_grace;
    return STEP_NONE;
}

static python_step step(python_worker *worker, int64_t now, slipway_execution **taken) {
    if (worker->is_leaving) {
        python_step next = leaving(worker, now);
        if (next == STEP_END) *taken = python_worker_take(worker);
        if (next != STEP_NONE) return next;
    } else if (worker->phase == WORKER_DOWN && worker->process == 0 && worker->retry_at <= now) {
        return STEP_SPAWN;
    }
    if (worker->process > 0 && worker->exit.file < 0 && worker->channel.file < 0) return STEP_REAP;
    if (worker->starts_by && worker->starts_by <= now) give_up_start(worker);
    if (worker->ends_at && worker->ends_at <= now && end(worker, now) == STEP_END) {
        *taken = python_worker_take(worker);
        /* A start goes on without whom it was for. */
        return STEP_END;
    }
    if (worker->kills_at && worker->kills_at <= now) {
        worker->kills_at = 0;
        python_worker_kill(
            worker, SIGKILL, worker->end != END_NONE ? "nobody waits for its answer" : "it did not end by itself");
    }
    return STEP_NONE;
}

int64_t python_worker_tick(python_worker *worker, int64_t now) {
    const slipway_host *host = worker->model->state->host;
    for (;;) {
        slipway_execution *taken = NULL;
        slipway_status *status = NULL;
        int64_t next = INT64_MAX;
        /* Held long only while a large request is copied: look again soon. */
        if (pthread_mutex_trylock(&worker->lock) != 0) return now + 2000000;
        python_end ended = worker->end;
        python_step what = step(worker, now, &taken);
        if (what == STEP_END && taken) {
            bool is_late = ended != END_CANCELLED && !worker->is_leaving;
            status = is_late ? adapter_status(
                         host, SLIPWAY_DEADLINE_EXCEEDED, "the request's deadline passed while the script's worker was "
                                                          "starting")
                             : adapter_status(host, SLIPWAY_CANCELLED, "nobody waits for the script's answer");
        }
        const int64_t times[] = {
            worker->starts_by, worker->ends_at, worker->kills_at,
            worker->phase == WORKER_DOWN && worker->process == 0 && !worker->is_leaving ? worker->retry_at : 0,
        };
        for (size_t index = 0; index < sizeof times / sizeof *times; ++index) {
            if (times[index] && times[index] < next) next = times[index];
        }
        pthread_mutex_unlock(&worker->lock);
        if (taken) host->complete(host->context, taken, status);
        if (what == STEP_SPAWN) python_worker_spawn(worker);
        if (what == STEP_REAP) {
            python_worker_reap(worker);
            return now + second / 50;
        }
        if (what == STEP_NONE) return next;
    }
}

void python_worker_leave(python_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    bool is_orphan = worker->is_orphan;
    worker->phase = WORKER_GONE;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    if (is_orphan) python_worker_release(worker);
}
