#include "Worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors of the other side, until it has them. */
typedef struct ends {
    int channel, output;
} ends;

static bool open_ends(python_worker *worker, ends *theirs) {
    int pair[2], pipes[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
    worker->channel.file = python_descriptor_high(pair[0]);
    theirs->channel = python_descriptor_high(pair[1]);
    if (pipe2(pipes, O_CLOEXEC) != 0) return false;
    worker->output.file = python_descriptor_high(pipes[0]);
    theirs->output = python_descriptor_high(pipes[1]);
    if (worker->channel.file < 0 || theirs->channel < 0 || worker->output.file < 0 || theirs->output < 0) return false;
    fcntl(worker->output.file, F_SETFL, O_NONBLOCK);
    return python_region_make(&worker->requests, "slipway-requests", true)
        && python_region_make(&worker->answers, "slipway-answers", false);
}

/* Everything that a child does before it becomes the interpreter is said here: between fork and exec of a process with
 * threads nothing else is safe. */
static int spawn(python_worker *worker, const ends *theirs) {
    const slipway_model *model = worker->model;
    const slipway_adapter_state *state = model->state;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&files);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    const int given[][2] = {
        {theirs->output, 1}, {theirs->output, 2}, {theirs->channel, 3}, {worker->requests.file, 4},
        {worker->answers.file, 5}, {state->archive, 6},
    };
    error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    for (size_t index = 0; !error && index < sizeof given / sizeof *given; ++index) {
        error = posix_spawn_file_actions_adddup2(&files, given[index][0], given[index][1]);
    }
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&files, 7);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error) error = posix_spawnattr_setpgroup(&attributes, 0);
    if (!error) {
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    if (!error) {
        char program[96], label[256];
        snprintf(program, sizeof program, "exec(open('/proc/self/fd/6','rb').read(%zu))", state->bootstrap_size);
        snprintf(label, sizeof label, "slipway-worker %s %u", model->name, worker->index);
        char *arguments[] = {model->interpreter, "-c", program, label, NULL};
        pid_t process = 0;
        error = posix_spawn(&process, model->interpreter, &files, &attributes, arguments, model->environment);
        if (!error) worker->process = process;
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static bool watch(python_source *source, int poll) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return source->file >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, source->file, &event) == 0;
}

static bool configure(python_worker *worker) {
    const slipway_model *model = worker->model;
    static const char *const kinds[] = {"script", "pickle", "mlflow"};
    char parent[24], limit[24];
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    snprintf(limit, sizeof limit, "%lld", (long long)model->memory_limit);
    const char *settings[][2] = {
        {"parent", parent}, {"memory_limit", limit}, {"folder", model->folder}, {"path", model->path},
        {"kind", kinds[model->kind]}, {"format", model->format}, {"datatype", model->datatype},
    };
    python_frame_begin(&worker->frame, FRAME_CONFIGURE);
    for (size_t index = 0; index < sizeof settings / sizeof *settings; ++index) {
        python_frame_text(&worker->frame, &worker->requests, settings[index][0], settings[index][1]);
    }
    return python_frame_end(&worker->frame, &worker->requests)
        && send(worker->channel.file, worker->frame.bytes, worker->frame.size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void python_worker_spawn(python_worker *worker) {
    slipway_adapter_state *state = worker->model->state;
    pthread_mutex_lock(&worker->lock);
    ends theirs = {-1, -1};
    worker->phase = WORKER_STARTING;
    worker->started_at = python_now();
    worker->starts_by = worker->model->init_timeout ? worker->started_at + worker->model->init_timeout : 0;
    worker->kills_at = 0;
    worker->kill_reason = NULL;
    worker->was_ready = false;
    worker->is_retained = false;
    worker->answered = 0;
    worker->lines.size = 0;
    worker->lines.last[0] = 0;
    free(worker->message);
    worker->message = NULL;
    if (!worker->is_first) atomic_fetch_add(&worker->model->restarts, 1);
    int error = open_ends(worker, &theirs) ? spawn(worker, &theirs) : errno;
    if (theirs.channel >= 0) close(theirs.channel);
    if (theirs.output >= 0) close(theirs.output);
    if (!error) {
        worker->exit.file = python_descriptor_high(pidfd_open(worker->process, 0));
        /* Where the kernel has no such descriptors, the thread looks now and then. */
        if (worker->exit.file >= 0 && !watch(&worker->exit, state->poll)) python_source_close(&worker->exit);
        if (!watch(&worker->channel, state->poll) || !watch(&worker->output, state->poll) || !configure(worker)) {
            python_worker_remember(
                worker, SLIPWAY_RESOURCE_EXHAUSTED, "the worker can't be reached: %s", strerrordesc_np(errno));
            python_worker_kill(worker, SIGKILL, "it can't be reached");
        }
    } else {
        python_worker_remember(
            worker, error == ENOENT || error == EACCES || error == ENOEXEC ? SLIPWAY_UNAVAILABLE
                                                                          : SLIPWAY_RESOURCE_EXHAUSTED,
            "the interpreter %s can't be started: %s", worker->model->interpreter, strerrordesc_np(error));
    }
    pthread_mutex_unlock(&worker->lock);
    if (error) python_worker_reap(worker);
}
