// SPDX-License-Identifier: Apache-2.0
// The two macros of this project: errors are values, and these hand them on.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <utility>

// Returns from the enclosing function when 'expression' is not OK.
#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

#define POSTERN_CONCAT_INNER_(a, b) a##b
#define POSTERN_CONCAT_(a, b) POSTERN_CONCAT_INNER_(a, b)

// Declares or assigns 'target' from a StatusOr, or returns its error.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER_(POSTERN_CONCAT_(status_or_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_INNER_(status_or, target, expression) \
  auto status_or = (expression);                               \
  if (!status_or.ok()) return status_or.status();              \
  target = *std::move(status_or)
