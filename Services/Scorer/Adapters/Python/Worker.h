/* A worker: a process that runs the model, one for each instance, and its successors when it dies.
 *
 *   STARTING -> IDLE | DOWN | FAILED | GONE      spawned, told what to load
 *   IDLE     -> BUSY | DOWN | GONE               waits for a request
 *   BUSY     -> IDLE | DOWN | GONE               has one
 *   DOWN     -> STARTING | GONE                  dead; its successor starts at `retry_at`
 *   FAILED   -> GONE                             the first one did not get ready: there is no successor
 *   GONE                                         nothing is left but the memory
 *
 * Transitions happen on the adapter's thread; only IDLE -> BUSY does on the caller's. All members but the links are
 * under `lock`. */
#ifndef PYTHON_WORKER_H
#define PYTHON_WORKER_H

#include "Frame.h"
#include "Model.h"

#include <sys/types.h>

typedef enum python_worker_phase {
    WORKER_STARTING, WORKER_IDLE, WORKER_BUSY, WORKER_DOWN, WORKER_FAILED, WORKER_GONE,
} python_worker_phase;

/* Why an execution is being ended before the script is done. */
typedef enum python_end { END_NONE, END_CANCELLED, END_DEADLINE, END_TIMEOUT } python_end;

typedef enum python_source_kind { SOURCE_CHANNEL, SOURCE_PROCESS, SOURCE_OUTPUT } python_source_kind;
typedef struct python_source {
    python_source_kind kind;
    int file; /* -1 where there is none */
    python_worker *worker;
} python_source;

/* What a worker prints, cut into lines. */
typedef struct python_lines {
    char bytes[8192];
    size_t size;
    char last[512]; /* the last line that was not empty */
} python_lines;

struct python_worker {
    python_worker *next;    /* of the adapter's */
    python_worker *sibling; /* of the model's */
    slipway_model *model;
    uint32_t index;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    python_worker_phase phase;
    bool is_first; /* there was no process before: it is not replaced until it was ready once */
    bool is_leaving; /* the instance ends: stop, and start no other */
    bool is_orphan;  /* nobody waits for it to be gone: the thread frees it */

    pid_t process; /* 0 where there is none; not reaped, so that the number stays its own */
    python_source channel, exit, output;
    python_region requests, answers;
    bool is_retained; /* the script uses the region of requests still: the next one gets another */
    python_lines lines;

    int64_t started_at, ready_at, killed_at;
    int64_t starts_by; /* when a start is given up; 0: never */
    int64_t ends_at;   /* when the current execution is ended; 0: never */
    int64_t kills_at; /* when a process that was asked to end is killed; 0: never */
    int64_t retry_at;
    uint32_t failures; /* starts that failed in a row */
    bool was_ready;    /* the process that is, or was the last */
    uint64_t answered; /* executions of this process */
    const char *kill_reason; /* static; NULL where we did not kill it */

    slipway_execution *current;
    bool is_sent;
    python_end end;

    slipway_code code; /* of the last failure to start */
    char *message;

    python_frame frame; /* for the thread's reading, and for writing under the lock */
};

/* Makes one and has it started. NULL where memory ran out. */
python_worker *python_worker_make(slipway_model *model, uint32_t index);
/* Waits until it is ready or has failed. */
slipway_status *python_worker_wait(python_worker *worker);
/* Stops it, waits until it is gone, and frees it; on the adapter's own thread, which a completion may have led here, it
 * does not wait. */
void python_worker_free(python_worker *worker);

slipway_status *python_worker_execute(python_worker *worker, slipway_execution *execution);
void python_worker_cancel(python_worker *worker, slipway_execution *execution);

/* Bytes of memory that the process holds; 0 where there is none. */
uint64_t python_worker_memory(python_worker *worker);

/* ---- Of the adapter's thread. */

/* Starts the process; called without the lock. */
void python_worker_spawn(python_worker *worker);
/* Takes one frame; false where there is none. */
bool python_worker_read_channel(python_worker *worker);
/* Logs what the worker has printed; all of it, or some. */
void python_worker_read_output(python_worker *worker, bool wholly);
void python_worker_reap(python_worker *worker);
/* Does what time has come for, and says when to look again (INT64_MAX: never). */
int64_t python_worker_tick(python_worker *worker, int64_t now);
/* Says that it is gone, whereupon others may free it. */
void python_worker_leave(python_worker *worker);
/* Frees the memory of one that is gone. */
void python_worker_release(python_worker *worker);

/* ---- Of its own files; the lock is held. */

/* Sends the current execution; what is returned completes it. A worker that is dying gets it later, in its successor. */
slipway_status *python_worker_send(python_worker *worker);
/* When the current execution is to be ended, and why; says so to the thread. */
void python_worker_schedule_end(python_worker *worker);
/* Takes the current execution away. */
slipway_execution *python_worker_take(python_worker *worker);
void python_worker_kill(python_worker *worker, int signal, const char *reason);
void python_worker_remember(python_worker *worker, slipway_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void python_worker_log(python_worker *worker, slipway_log_level level, const char *text, size_t size);
void python_source_close(python_source *source);
/* Makes UTF-8 of what comes from a worker, in place. */
void python_text_clean(char *text, size_t size);

#endif
