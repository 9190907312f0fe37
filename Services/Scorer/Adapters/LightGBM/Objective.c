#include "Objective.h"

#include "adapter_common.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    objective_kind kind;
} objectives[] = {
    {"", objective_identity},
    {"custom", objective_identity},
    {"regression", objective_identity},
    {"regression_l1", objective_identity},
    {"huber", objective_identity},
    {"fair", objective_identity},
    {"quantile", objective_identity},
    {"mape", objective_identity},
    {"lambdarank", objective_identity},
    {"rank_xendcg", objective_identity},
    {"poisson", objective_exponential},
    {"gamma", objective_exponential},
    {"tweedie", objective_exponential},
    {"binary", objective_logistic},
    {"multiclassova", objective_logistic},
    {"cross_entropy", objective_logistic},
    {"cross_entropy_lambda", objective_log1p},
    {"multiclass", objective_softmax},
};

objective objective_read(const char *text) {
    objective objective = {objective_unknown, 1};
    size_t size = strcspn(text, " ");
    for (size_t index = 0; index < sizeof objectives / sizeof *objectives; ++index) {
        const char *name = objectives[index].name;
        if (strlen(name) == size && !memcmp(name, text, size)) objective.kind = objectives[index].kind;
    }
    const char *sigmoid = strstr(text, " sigmoid:");
    if (sigmoid) objective.sigmoid = adapter_number(sigmoid + 9, NULL);
    if (objective.kind == objective_identity && strstr(text, " sqrt")) objective.kind = objective_square;
    return objective;
}

static void softmax(double *sums, size_t groups) {
    double most = sums[0], total = 0;
    for (size_t group = 1; group < groups; ++group) most = sums[group] > most ? sums[group] : most;
    for (size_t group = 0; group < groups; ++group) {
        sums[group] = exp(sums[group] - most);
        total += sums[group];
    }
    for (size_t group = 0; group < groups; ++group) sums[group] /= total;
}

static double squared(double sum) {
    int sign = (sum > 0) - (sum < 0);
    return sign * sum * sum;
}

void objective_apply(const objective *objective, double *sums, size_t rows, size_t groups) {
    size_t count = rows * groups;
    switch (objective->kind) {
    case objective_square:
        for (size_t index = 0; index < count; ++index) sums[index] = squared(sums[index]);
        break;
    case objective_exponential:
        for (size_t index = 0; index < count; ++index) sums[index] = exp(sums[index]);
        break;
    case objective_logistic:
        for (size_t index = 0; index < count; ++index) sums[index] = 1 / (1 + exp(-objective->sigmoid * sums[index]));
        break;
    case objective_log1p:
        for (size_t index = 0; index < count; ++index) sums[index] = log1p(exp(sums[index]));
        break;
    case objective_softmax:
        for (size_t row = 0; row < rows; ++row) softmax(sums + row * groups, groups);
        break;
    default:
        break;
    }
}
