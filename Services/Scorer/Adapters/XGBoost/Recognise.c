#include "Adapter.h"

#include <string.h>

static bool has(const char *head, size_t size, const char *text) {
    return memmem(head, size, text, strlen(text)) != NULL;
}

trees_guess xgboost_judge(const char *name, const char *head, size_t size) {
    size_t start = 0;
    while (start < size && memchr(" \t\r\n", head[start], 4)) ++start;
    if (start < size && head[start] == '{') {
        bool is_ubjson = document_is_ubjson(head + start, size - start);
        const char *format = is_ubjson ? "xgboost-ubj" : "xgboost-json";
        size_t early = size - start < 256 ? size - start : 256;
        if (has(head + start, early, is_ubjson ? "learner" : "\"learner\"")) {
            return (trees_guess){97, format, is_ubjson ? "UBJSON with a `learner`" : "JSON with a `learner`"};
        }
        if (has(head, size, is_ubjson ? "gradient_booster" : "\"gradient_booster\"")) {
            return (trees_guess){90, format, "it has a `gradient_booster`"};
        }
        return (trees_guess){0, NULL, "a document without `learner`"};
    }
    /* Of old: parameters, then the objective's and the booster's names. */
    size_t front = size < 1024 ? size : 1024;
    bool names = has(head, front, "gbtree") || has(head, front, "gblinear") || has(head, front, "dart");
    if (names && memchr(head, 0, front)) return (trees_guess){XGBOOST_OLD, "xgboost-binary", "XGBoost's old binary format, which is not served"};
    if (adapter_has_extension(name, ".ubj")) return (trees_guess){20, "xgboost-ubj", "named as UBJSON, and something else"};
    return (trees_guess){0, NULL, "neither JSON nor UBJSON with a `learner`"};
}
