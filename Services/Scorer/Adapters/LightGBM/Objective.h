/* What an objective makes of sums. */
#ifndef OBJECTIVE_H
#define OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum objective_kind {
    objective_unknown,
    objective_identity,
    objective_square,      /* regression on square roots */
    objective_exponential,
    objective_logistic,    /* of each sum by itself */
    objective_softmax,
    objective_log1p,
} objective_kind;

typedef struct objective {
    objective_kind kind;
    double sigmoid; /* factor of the exponent */
} objective;

/* Of a model's line, `binary sigmoid:1`. */
objective objective_read(const char *text);

/* Turns sums into answers, where they are. */
void objective_apply(const objective *objective, double *sums, size_t rows, size_t groups);

#endif
