// SPDX-License-Identifier: MIT
// Starting and ending MPI, and being ended by it.
#include "checker/mpi/session.h"

#include <mpi.h>
#include <unistd.h>

#include <csignal>

#include "checker/mpi/mpi_exchange.h"

namespace iommucheck::checker {

namespace {

// For the signal handler: written before it is installed.
std::string kept_words;
int kept_code = 0;

extern "C" void say_last_words(int) {
  const char* from = kept_words.data();
  std::size_t left = kept_words.size();
  while (left != 0) {
    const ssize_t n = write(STDOUT_FILENO, from, left);
    if (n <= 0) break;
    from += n;
    left -= static_cast<std::size_t>(n);
  }
  _exit(kept_code);
}

#ifdef __SANITIZE_ADDRESS__
bool mpi_began = false;
// Open MPI leaves memory behind, allocated by modules that are unloaded before anybody can say by
// name that they may.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the sanitizer's name
extern "C" int __lsan_is_turned_off() { return mpi_began ? 1 : 0; }
#endif

class Session final : public MpiSession {
 public:
  Session() {
#ifdef __SANITIZE_ADDRESS__
    mpi_began = true;
#endif
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm host = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    int ranks = 1;
    MPI_Comm_size(host, &ranks);
    MPI_Comm_free(&host);
    ranks_on_host_ = static_cast<unsigned>(ranks);
    exchange_ = std::make_unique<MpiExchange>();
  }

  Exchange& exchange() override { return *exchange_; }
  unsigned ranks_on_host() const override { return ranks_on_host_; }
  void last_words(const std::string& text, int code) override {
    // mpirun does not wait for long: what ignores SIGTERM is killed soon.
    std::signal(SIGTERM, SIG_IGN);
    kept_words = text;
    kept_code = code;
    if (!text.empty()) std::signal(SIGTERM, say_last_words);
  }
  void leave() override {
    exchange_.reset();
    MPI_Finalize();
  }

 private:
  unsigned ranks_on_host_ = 1;
  std::unique_ptr<MpiExchange> exchange_;
};

}  // namespace

std::unique_ptr<MpiSession> join_mpi() { return std::make_unique<Session>(); }

}  // namespace iommucheck::checker
