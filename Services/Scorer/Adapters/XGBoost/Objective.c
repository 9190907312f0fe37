#include "Objective.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    objective_kind kind;
} objectives[] = {
    {"reg:squarederror", objective_identity},
    {"reg:linear", objective_identity},
    {"reg:squaredlogerror", objective_identity},
    {"reg:pseudohubererror", objective_identity},
    {"reg:absoluteerror", objective_identity},
    {"reg:quantileerror", objective_identity},
    {"reg:expectileerror", objective_identity},
    {"reg:logistic", objective_logistic},
    {"binary:logistic", objective_logistic},
    {"binary:logitraw", objective_identity},
    {"binary:hinge", objective_hinge},
    {"count:poisson", objective_exponential},
    {"reg:gamma", objective_exponential},
    {"reg:tweedie", objective_exponential},
    {"survival:cox", objective_exponential},
    {"survival:aft", objective_survival},
    {"multi:softmax", objective_softmax},
    {"multi:softprob", objective_softprob},
    {"rank:pairwise", objective_identity},
    {"rank:ndcg", objective_identity},
    {"rank:map", objective_identity},
};

objective_kind objective_named(const char *name) {
    for (size_t index = 0; index < sizeof objectives / sizeof *objectives; ++index) {
        if (!strcmp(objectives[index].name, name)) return objectives[index].kind;
    }
    return objective_unknown;
}

float objective_start(objective_kind kind, float base_score) {
    switch (kind) {
    case objective_logistic:
        return -logf(1.0f / base_score - 1.0f);
    case objective_exponential:
    case objective_survival:
        return logf(base_score);
    default:
        return base_score;
    }
}

/* The constants are XGBoost's: they keep the exponential finite and the denominator positive. */
static float sigmoid(float sum) {
    float power = fminf(-sum, 88.7f);
    float denominator = expf(power) + 1.0f + 1e-16f;
    return 1.0f / denominator;
}

static void softprob(const float *sums, size_t groups, float *answers) {
    float most = sums[0];
    for (size_t group = 1; group < groups; ++group) most = sums[group] > most ? sums[group] : most;
    double total = 0;
    for (size_t group = 0; group < groups; ++group) {
        answers[group] = expf(sums[group] - most);
        total += answers[group];
    }
    for (size_t group = 0; group < groups; ++group) answers[group] /= (float)total;
}

static float softmax(const float *sums, size_t groups) {
    size_t best = 0;
    for (size_t group = 1; group < groups; ++group) best = sums[group] > sums[best] ? group : best;
    return (float)best;
}

void objective_apply(objective_kind kind, const float *sums, size_t rows, size_t groups, float *answers) {
    size_t count = rows * groups;
    switch (kind) {
    case objective_logistic:
        for (size_t index = 0; index < count; ++index) answers[index] = sigmoid(sums[index]);
        break;
    case objective_exponential:
        for (size_t index = 0; index < count; ++index) answers[index] = expf(sums[index]);
        break;
    case objective_survival:
        for (size_t index = 0; index < count; ++index) answers[index] = (float)exp((double)sums[index]);
        break;
    case objective_hinge:
        for (size_t index = 0; index < count; ++index) answers[index] = sums[index] > 0 ? 1.0f : 0.0f;
        break;
    case objective_softmax:
        for (size_t row = 0; row < rows; ++row) answers[row] = softmax(sums + row * groups, groups);
        break;
    case objective_softprob:
        for (size_t row = 0; row < rows; ++row) softprob(sums + row * groups, groups, answers + row * groups);
        break;
    default:
        if (answers != sums && count) memcpy(answers, sums, count * sizeof *sums);
    }
}
