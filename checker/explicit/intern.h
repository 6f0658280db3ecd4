// SPDX-License-Identifier: MIT
// Strings that outlive the machines that made them.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_INTERN_H
#define IOMMUCHECK_CHECKER_EXPLICIT_INTERN_H

namespace iommucheck::checker::explicit_state {

/// The same text, for the rest of the process.  Thread-safe.
const char* intern(const char* text);

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_INTERN_H
