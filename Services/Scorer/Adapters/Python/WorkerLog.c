#include "Worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The size of the character at `text`, 0 where it is no UTF-8. */
static size_t character(const unsigned char *text, size_t size) {
    if (text[0] < 0x80) return 1;
    size_t needed = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4 || needed > size) return 0;
    for (size_t index = 1; index < needed; ++index) {
        if ((text[index] & 0xc0) != 0x80) return 0;
    }
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f)
        || (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return needed;
}

void python_text_clean(char *text, size_t size) {
    for (size_t index = 0; index < size;) {
        size_t step = character((const unsigned char *)text + index, size - index);
        if (step == 0 || (step == 1 && text[index] == 0)) {
            text[index] = '?';
            step = 1;
        }
        index += step;
    }
}

void python_worker_log(python_worker *worker, slipway_log_level level, const char *text, size_t size) {
    adapter_text line = {0};
    adapter_text_format(&line, "model %s, worker %u: ", worker->model->name, worker->index);
    size_t start = line.size;
    adapter_text_append(&line, text, size);
    if (line.size > start) python_text_clean(line.bytes + start, line.size - start);
    const slipway_host *host = worker->model->state->host;
    host->log(host->context, level, adapter_text_string(&line), line.size);
    adapter_text_free(&line);
}

static void emit(python_worker *worker, const char *text, size_t size) {
    while (size > 0 && (text[size - 1] == '\r' || text[size - 1] == ' ')) --size;
    if (size == 0) return;
    python_worker_log(worker, SLIPWAY_LOG_INFO, text, size);
    size_t kept = size < sizeof worker->lines.last - 1 ? size : sizeof worker->lines.last - 1;
    memcpy(worker->lines.last, text, kept);
    worker->lines.last[kept] = 0;
    python_text_clean(worker->lines.last, kept);
}

static void emit_lines(python_worker *worker, bool wholly) {
    python_lines *lines = &worker->lines;
    size_t start = 0;
    for (;;) {
        char *end = memchr(lines->bytes + start, '\n', lines->size - start);
        if (!end) break;
        emit(worker, lines->bytes + start, (size_t)(end - lines->bytes) - start);
        start = (size_t)(end - lines->bytes) + 1;
    }
    if (wholly || (start == 0 && lines->size == sizeof lines->bytes)) {
        emit(worker, lines->bytes + start, lines->size - start);
        start = lines->size;
    }
    memmove(lines->bytes, lines->bytes + start, lines->size - start);
    lines->size -= start;
}

void python_worker_read_output(python_worker *worker, bool wholly) {
    /* Of a script that prints without end only so much at a time: answers of others wait meanwhile. */
    int rounds = wholly ? 64 : 2;
    pthread_mutex_lock(&worker->lock);
    python_lines *lines = &worker->lines;
    while (worker->output.file >= 0 && rounds-- > 0) {
        ssize_t got = read(worker->output.file, lines->bytes + lines->size, sizeof lines->bytes - lines->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) {
            python_source_close(&worker->output);
            break;
        }
        lines->size += (size_t)got;
        emit_lines(worker, false);
    }
    if (wholly) emit_lines(worker, true);
    pthread_mutex_unlock(&worker->lock);
}
