/* Who evaluates a model's trees: its library, or ourselves. */
#ifndef TREES_CHOICE_H
#define TREES_CHOICE_H

#include "trees_proof.h"

/* What the model's options say. */
typedef enum trees_wish { trees_wish_auto, trees_wish_own, trees_wish_library } trees_wish;

/* Constant once it is settled. */
typedef struct trees_choice {
    trees_forest *forest;  /* NULL where the library serves all */
    uint64_t library_from; /* rows; 0: never */
} trees_choice;

/* Reads the options `threads` and `evaluator`, which every adapter of trees has. */
slipway_status *trees_choice_read(
    const adapter_settings *given, const adapter_load_request *request, int64_t *threads, trees_wish *wish);

/* Whether nobody is to look for another than the library; says so in the description. */
bool trees_choice_is_made(trees_wish wish, adapter_description *description);

/* Decides after the proof, and says why in the description. `why_not` is NULL, or why the forest can't serve: it is let
 * go then. UNIMPLEMENTED where nothing but the forest was wished for. */
slipway_status *trees_choice_settle(
    const slipway_host *host, trees_wish wish, trees_choice *choice, const trees_verdict *verdict, const char *why_not,
    adapter_description *description);

/* Whether the forest answers that many rows. */
static inline bool trees_choice_is_own(const trees_choice *choice, size_t rows) {
    return choice->forest && (choice->library_from == 0 || rows < choice->library_from);
}

#endif
