/* Whether a forest's answers are the framework's, to the last bit, and from how many rows on the framework is faster. */
#ifndef TREES_PROOF_H
#define TREES_PROOF_H

#include "trees_forest.h"

#include <adapter_common.h>

/* Answers of the two for the same rows; false where there are none. */
typedef bool (*trees_answer)(void *context, const void *rows, size_t count, void *answers);

typedef struct trees_trial {
    const trees_forest *forest;
    uint32_t features;
    bool rows_are_f64;
    size_t answer_bytes; /* of a row */
    double missing;      /* a value that is to be tried beside NaN; NaN where there is none */
    void *context;
    trees_answer library;
    trees_answer own;
} trees_trial;

typedef struct trees_verdict {
    bool is_equal;
    uint32_t rows;         /* compared */
    double own_us;         /* a single row */
    double library_us;     /* a single row */
    uint64_t library_from; /* rows from which the library is faster; 0: never */
    char difference[200];  /* where they are not equal */
} trees_verdict;

/* Compares and measures, in a few milliseconds for models of usual size. The rows come from a seed, and lie at, beside
 * and far from the thresholds. False where memory runs out. */
bool trees_prove(const trees_trial *trial, trees_verdict *verdict);

/* Says in a description that the forest answers, how fast, and from how many rows on it does not. */
void trees_tell(
    adapter_description *description, const trees_forest *forest, const trees_verdict *verdict, uint64_t library_from);

#endif
