#include "trees_proof.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS_MOST 2048
#define ROWS_LEAST 256
/* Rows for which the library's time for many is measured. */
#define ROWS_TIMED 256

/* A few decisions of each feature, to try values at. */
#define KEPT 16
typedef struct kept {
    double thresholds[KEPT];
    uint32_t categories; /* one more than the largest of any set */
    uint32_t seen;
} kept;

typedef struct sampler {
    kept *features;
    uint64_t state;
} sampler;

/* xorshift, seeded always alike: a model is judged by the same rows wherever it is loaded. */
static uint64_t next_bits(sampler *sampler) {
    uint64_t bits = sampler->state;
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    sampler->state = bits;
    return bits * 0x2545F4914F6CDD1D;
}

static uint32_t below(sampler *sampler, uint32_t bound) {
    return (uint32_t)((next_bits(sampler) >> 32) * bound >> 32);
}

static void keep(void *context, uint32_t feature, double threshold, const uint32_t *set, uint32_t words) {
    sampler *sampler = context;
    kept *kept = &sampler->features[feature];
    if (set || words) {
        if (words * 32 > kept->categories) kept->categories = words * 32;
        return;
    }
    uint32_t place = kept->seen < KEPT ? kept->seen : below(sampler, kept->seen + 1);
    if (place < KEPT) kept->thresholds[place] = threshold;
    kept->seen += 1;
}

static double extreme(sampler *sampler) {
    static const double values[] = {
        0,        -0.0,      INFINITY, -INFINITY, FLT_MAX,    -FLT_MAX,  FLT_MIN, -FLT_MIN, FLT_TRUE_MIN, 1e-35,
        -1e-35,   1.1e-35,   9e-36,    1,         -1,         0.5,       -0.5,    1e30,     16777216,     16777217,
        -2147483648.0, 2147483648.0, 4294967296.0, 1e20};
    return values[below(sampler, sizeof values / sizeof *values)];
}

static double category(sampler *sampler, uint32_t count) {
    uint32_t number = below(sampler, count + 2);
    return below(sampler, 8) == 0 ? number + 0.5 : number;
}

/* A value for a feature: mostly about its thresholds, where decisions are made. */
static double sample(sampler *sampler, const trees_trial *trial, uint32_t feature) {
    const kept *kept = &sampler->features[feature];
    uint32_t kind = below(sampler, 32);
    if (kind < 3) return NAN;
    if (kind == 3) return extreme(sampler);
    if (kind == 4 && !isnan(trial->missing)) return trial->missing;
    if (kept->categories > 0) return category(sampler, kept->categories);
    double unit = (double)(next_bits(sampler) >> 11) * 0x1p-53;
    if (kept->seen == 0) return unit * 2 - 1;
    uint32_t count = kept->seen < KEPT ? kept->seen : KEPT;
    double threshold = kept->thresholds[below(sampler, count)];
    if (kind < 20) {
        double other = kept->thresholds[below(sampler, count)];
        double width = fabs(other - threshold);
        return threshold + (unit * 2 - 1) * (width > 0 ? width : 1);
    }
    if (trial->rows_are_f64) {
        if (kind < 24) return threshold;
        return nextafter(threshold, kind < 28 ? INFINITY : -INFINITY);
    }
    if (kind < 24) return (float)threshold;
    return nextafterf((float)threshold, kind < 28 ? INFINITY : -INFINITY);
}

static void fill(sampler *sampler, const trees_trial *trial, void *rows, uint32_t count) {
    for (uint32_t row = 0; row < count; ++row) {
        /* Most rows of most callers miss nothing. */
        bool misses = below(sampler, 2);
        for (uint32_t feature = 0; feature < trial->features; ++feature) {
            double value = sample(sampler, trial, feature);
            if (!misses && isnan(value)) value = 0.25;
            size_t place = (size_t)row * trial->features + feature;
            if (trial->rows_are_f64) {
                ((double *)rows)[place] = value;
            } else {
                ((float *)rows)[place] = (float)value;
            }
        }
    }
}

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

typedef struct work {
    const trees_trial *trial;
    sampler sampler;
    char *rows;
    size_t row_bytes;
    char *library, *own;
    uint32_t count;
} work;

/* The least of several tries: what a call costs where nothing disturbs it. */
static double timed(const work *work, trees_answer answer, char *answers, uint32_t count, uint32_t tries) {
    double least = INFINITY;
    for (uint32_t index = 0; index < tries; ++index) {
        const char *rows = work->rows + (size_t)(index % (work->count / count)) * count * work->row_bytes;
        double start = now_us();
        answer(work->trial->context, rows, count, answers);
        double spent = now_us() - start;
        if (spent < least) least = spent;
    }
    return least;
}

static void measure(work *work, trees_verdict *verdict) {
    const trees_trial *trial = work->trial;
    verdict->library_us = timed(work, trial->library, work->library, 1, 32);
    verdict->own_us = timed(work, trial->own, work->own, 1, 32);
    uint32_t many = work->count < ROWS_TIMED ? work->count : ROWS_TIMED;
    double library_many = timed(work, trial->library, work->library, many, 4);
    double own_many = timed(work, trial->own, work->own, many, 4);
    double library_row = (library_many - verdict->library_us) / (many - 1), own_row = own_many / many;
    double library_call = verdict->library_us - library_row;
    if (own_row > library_row) {
        double from = library_call / (own_row - library_row);
        verdict->library_from = from < 1 ? 1 : from > 1e9 ? 0 : (uint64_t)ceil(from);
    } else {
        verdict->library_from = 0;
    }
}

static bool differs(work *work, uint32_t row, trees_verdict *verdict, const char *how) {
    size_t bytes = work->trial->answer_bytes;
    if (!memcmp(work->own + row * bytes, work->library + row * bytes, bytes)) return false;
    snprintf(verdict->difference, sizeof verdict->difference, "row %u of %u differs%s", row + 1, work->count, how);
    return true;
}

static void judge(work *work, trees_verdict *verdict) {
    const trees_trial *trial = work->trial;
    fill(&work->sampler, trial, work->rows, work->count);
    verdict->rows = work->count;
    if (!trial->library(trial->context, work->rows, work->count, work->library)) {
        snprintf(verdict->difference, sizeof verdict->difference, "the library refuses some of the rows");
        return;
    }
    /* Together, then each by itself: rows are walked in other ways. */
    if (!trial->own(trial->context, work->rows, work->count, work->own)) return;
    for (uint32_t row = 0; row < work->count; ++row) {
        if (differs(work, row, verdict, "")) return;
    }
    for (uint32_t row = 0; row < work->count; ++row) {
        trial->own(trial->context, work->rows + row * work->row_bytes, 1, work->own + row * trial->answer_bytes);
        if (differs(work, row, verdict, " by itself")) return;
    }
    /* The library has ways of its own for a single row. */
    for (uint32_t row = 0; row < work->count; row += 97) {
        char *answer = work->library + row * trial->answer_bytes;
        if (!trial->library(trial->context, work->rows + row * work->row_bytes, 1, answer)) return;
        if (differs(work, row, verdict, " when the library has it by itself")) return;
    }
    verdict->is_equal = true;
    measure(work, verdict);
}

/* Fewer rows for models of which a row takes long. */
static uint32_t rows_for(const trees_trial *trial) {
    trees_size size = trees_forest_size(trial->forest);
    uint64_t steps = (uint64_t)size.trees * (size.depth + 1) + trial->features / 4 + 1;
    uint64_t rows = (uint64_t)(1 << 24) / steps;
    return rows > ROWS_MOST ? ROWS_MOST : rows < ROWS_LEAST ? ROWS_LEAST : (uint32_t)rows;
}

bool trees_prove(const trees_trial *trial, trees_verdict *verdict) {
    *verdict = (trees_verdict){0};
    work work = {.trial = trial, .count = rows_for(trial)};
    work.row_bytes = (size_t)trial->features * (trial->rows_are_f64 ? sizeof(double) : sizeof(float));
    work.sampler.state = 0x9E3779B97F4A7C15;
    work.sampler.features = calloc((size_t)trial->features + 1, sizeof *work.sampler.features);
    work.rows = malloc(work.row_bytes * work.count + 1);
    work.library = malloc(trial->answer_bytes * work.count + 1);
    work.own = malloc(trial->answer_bytes * work.count + 1);
    bool made = work.sampler.features && work.rows && work.library && work.own;
    if (made) {
        trees_forest_visit(trial->forest, keep, &work.sampler);
        judge(&work, verdict);
    }
    free(work.sampler.features);
    free(work.rows);
    free(work.library);
    free(work.own);
    return made;
}
