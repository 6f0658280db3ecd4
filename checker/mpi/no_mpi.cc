// SPDX-License-Identifier: MIT
// A build without MPI.
#include "checker/mpi/session.h"

namespace iommucheck::checker {

std::unique_ptr<MpiSession> join_mpi() { return nullptr; }

}  // namespace iommucheck::checker
