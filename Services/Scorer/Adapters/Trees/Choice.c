#include "trees_choice.h"

slipway_status *trees_choice_read(
    const adapter_settings *given, const adapter_load_request *request, int64_t *threads, trees_wish *wish) {
    static const char *const evaluators[] = {"auto", "own", "library", NULL};
    slipway_status *status = NULL;
    int evaluator = 0;
    *threads = request->threads ? request->threads : 1;
    if (adapter_setting_is_given(given, "threads") || !request->threads) {
        status = adapter_setting_integer(given, "threads", 1, 4096, threads);
    }
    if (!status) status = adapter_setting_choice(given, "evaluator", evaluators, &evaluator);
    *wish = (trees_wish)evaluator;
    return status;
}

bool trees_choice_is_made(trees_wish wish, adapter_description *description) {
    if (wish != trees_wish_library) return false;
    adapter_description_fact(description, "evaluator", "library (as the options say)");
    return true;
}

slipway_status *trees_choice_settle(
    const slipway_host *host, trees_wish wish, trees_choice *choice, const trees_verdict *verdict, const char *why_not,
    adapter_description *description) {
    if (!why_not) {
        choice->library_from = wish == trees_wish_own ? 0 : verdict->library_from;
        trees_tell(description, choice->forest, verdict, choice->library_from);
        return NULL;
    }
    trees_forest_free(choice->forest);
    choice->forest = NULL;
    if (wish == trees_wish_own) {
        return adapter_status(
            host, SLIPWAY_UNIMPLEMENTED,
            "the option `evaluator` is `own`, and this model can't be evaluated by the adapter itself: %s", why_not);
    }
    adapter_description_fact(description, "evaluator", "library (%s)", why_not);
    return NULL;
}
