#include "Adapter.h"

#include <string.h>

trees_guess lightgbm_judge(const char *name, const char *head, size_t size) {
    static const char *const starts[] = {"tree\nversion=", "tree\r\nversion=", NULL};
    for (const char *const *start = starts; *start; ++start) {
        if (size >= strlen(*start) && !memcmp(head, *start, strlen(*start))) {
            return (trees_guess){97, "lightgbm-text", "it begins with `tree` and a version"};
        }
    }
    if (adapter_has_extension(name, ".lgb")) {
        return (trees_guess){20, "lightgbm-text", "named as LightGBM's, and something else"};
    }
    return (trees_guess){0, NULL, "no text that begins with `tree` and a version"};
}
