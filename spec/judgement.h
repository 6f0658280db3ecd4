// SPDX-License-Identifier: MIT
// Judgement: what a specification says about one call and its answer.
#ifndef IOMMUCHECK_SPEC_JUDGEMENT_H
#define IOMMUCHECK_SPEC_JUDGEMENT_H

#include <string>

namespace iommucheck {

struct Judgement {
  bool legal = true;
  std::string reason;           ///< the sentence that the answer breaks
  std::string broken_contract;  ///< the sentence that the call itself breaks; empty: none
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_SPEC_JUDGEMENT_H
