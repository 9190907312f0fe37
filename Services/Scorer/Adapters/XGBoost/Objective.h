/* What an objective makes of sums. */
#ifndef OBJECTIVE_H
#define OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum objective_kind {
    objective_unknown,
    objective_identity,
    objective_logistic,
    objective_exponential,
    objective_survival, /* exponential, in doubles */
    objective_hinge,
    objective_softmax,      /* the class */
    objective_softprob,     /* a probability of each class */
} objective_kind;

objective_kind objective_named(const char *name);

/* Where sums start: base_score as the objective turns it into a margin. */
float objective_start(objective_kind kind, float base_score);

/* Answers for rows of `groups` sums: as many, or of objective_softmax one. `answers` may be `sums`. */
void objective_apply(objective_kind kind, const float *sums, size_t rows, size_t groups, float *answers);

#endif
