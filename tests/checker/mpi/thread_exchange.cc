// SPDX-License-Identifier: MIT
// Channels that are queues.
#include "tests/checker/mpi/thread_exchange.h"

#include <exception>
#include <stdexcept>
#include <thread>

namespace iommucheck::checker {

class ThreadRanks::Rank final : public Exchange {
 public:
  Rank(ThreadRanks& all, unsigned rank, unsigned ranks) : all_(all), rank_(rank), ranks_(ranks) {}

  unsigned rank() const override { return rank_; }
  unsigned ranks() const override { return ranks_; }
  void start(unsigned words) override {
    words_ = words;
    out_.assign(ranks_, {});
    late_.assign(ranks_, {});
    marked_.assign(ranks_, false);
    barrier();
  }
  void send(unsigned to, const std::uint64_t* state) override {
    out_[to].insert(out_[to].end(), state, state + words_);
    ++traffic_.states;
    if (out_[to].size() >= words_ * all_.states_per_message_) post(to);
  }
  bool receive(const Sink& sink) override {
    Message message;
    {
      const std::lock_guard lock(all_.mutex_);
      auto& inbox = all_.inboxes_[rank_];
      if (inbox.empty()) return false;
      message = std::move(inbox.front());
      inbox.pop_front();
    }
    if (message.words.empty()) {
      if (marked_[message.from]) throw std::logic_error("a second mark");
      marked_[message.from] = true;
      ++marks_;
    } else {
      sink(message.words.data(), message.words.size() / words_);
    }
    return true;
  }
  void end_level() override {
    if (ended_) return;
    ended_ = true;
    for (unsigned to = 0; to < ranks_; ++to) {
      if (to == rank_) continue;
      // What a mark overtakes arrives a level late.
      if (all_.fault_ == Fault::overtaken) std::swap(out_[to], late_[to]);
      if (!out_[to].empty()) post(to);
      push(to, {});
    }
  }
  bool level_ended() const override { return marks_ == ranks_ - 1; }
  void next_level() override {
    marked_.assign(ranks_, false);
    marks_ = 0;
    ended_ = false;
  }
  std::vector<std::string> all_gather(const std::string& mine) override {
    std::unique_lock lock(all_.mutex_);
    all_.given_[rank_] = mine;
    if (++all_.waiting_ == ranks_) {
      all_.waiting_ = 0;
      all_.taken_ = all_.given_;
      ++all_.meetings_;
      all_.met_.notify_all();
    } else {
      const std::uint64_t meeting = all_.meetings_;
      all_.met_.wait(lock, [&] { return all_.meetings_ != meeting; });
    }
    return all_.taken_;
  }
  Traffic traffic() const override { return traffic_; }

 private:
  void post(unsigned to) {
    std::vector<std::uint64_t> words = std::move(out_[to]);
    out_[to].clear();
    if (all_.fault_ == Fault::lost && rank_ == 1 && to == 0) return;
    push(to, std::move(words));
  }
  void push(unsigned to, std::vector<std::uint64_t> words) {
    ++traffic_.messages;
    traffic_.bytes += words.size() * sizeof(std::uint64_t);
    const std::lock_guard lock(all_.mutex_);
    all_.inboxes_[to].push_back({rank_, std::move(words)});
  }

  ThreadRanks& all_;
  unsigned rank_, ranks_;
  unsigned words_ = 1;
  std::vector<std::vector<std::uint64_t>> out_, late_;
  std::vector<bool> marked_;
  unsigned marks_ = 0;
  bool ended_ = false;
  Traffic traffic_;
};

ThreadRanks::ThreadRanks(unsigned ranks, std::size_t states_per_message, Fault fault)
    : states_per_message_(states_per_message), fault_(fault), given_(ranks), inboxes_(ranks) {
  for (unsigned r = 0; r < ranks; ++r) ranks_.push_back(std::make_unique<Rank>(*this, r, ranks));
}

ThreadRanks::~ThreadRanks() = default;

void ThreadRanks::run(const std::function<void(Exchange&)>& work) {
  std::vector<std::exception_ptr> errors(ranks_.size());
  std::vector<std::thread> threads;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    threads.emplace_back([&, r] {
      try {
        work(*ranks_[r]);
      } catch (...) {
        errors[r] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace iommucheck::checker
