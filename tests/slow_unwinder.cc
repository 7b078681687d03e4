// SPDX-License-Identifier: Apache-2.0
// Linked, under the address sanitizer, into programs whose libraries keep no frame pointers:
// without the slow unwinder their leaks are nobody's, and none could be told from one of ours.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }
