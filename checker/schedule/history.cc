// SPDX-License-Identifier: MIT
// Calls by thread, and the order between them that no reordering of independent steps can change.
#include "checker/schedule/history.h"

#include <algorithm>

namespace iommucheck::schedule {

void Histories::begin(ThreadId thread, std::string_view call, std::uint32_t position) {
  if (count_ == kMaxCalls) return;
  if (count_ == calls_.size()) calls_.emplace_back();
  CallRecord& record = calls_[count_++];
  record.thread = thread;
  record.call = call;
  record.result.clear();
  record.returned = false;
  record.first = record.last = position;
}

void Histories::end(ThreadId thread, std::string_view result, std::uint32_t position) {
  for (std::size_t i = count_; i > 0; --i) {
    CallRecord& call = calls_[i - 1];
    if (call.thread != thread || call.returned) continue;
    call.result = result;
    call.returned = true;
    call.last = position;
    return;
  }
}

std::string Histories::running(ThreadId thread) const {
  for (std::size_t i = count_; i > 0; --i) {
    const CallRecord& call = calls_[i - 1];
    if (call.thread == thread) return call.returned ? std::string{} : call.call;
  }
  return {};
}

/// Fills places_ and key_: executions with the same key have the same history.
void Histories::describe(std::span<const Event> events, const std::string& notes) {
  places_.clear();
  for (std::size_t i = 0; i < count_; ++i) places_.push_back({&calls_[i], 0, 0, 0});
  // By thread, not by time: executions of one trace give one history.  A thread's own calls are
  // told apart by their places in memory.
  std::ranges::sort(places_, {}, [](const Place& place) {
    return std::pair{place.call->thread, place.call};
  });
  for (Place& place : places_) {
    const CallRecord& call = *place.call;
    const auto size = static_cast<std::uint32_t>(events.size());
    const std::uint32_t end = call.returned ? call.last : size;
    std::uint32_t first = call.first, last = end;
    while (first < end && events[first].thread != call.thread) ++first;
    if (first == end) continue;
    while (events[last - 1].thread != call.thread) --last;
    place.first = first + 1;
    place.last = last;
  }
  key_.clear();
  for (std::size_t me = 0; me < places_.size(); ++me) {
    Place& mine = places_[me];
    const CallRecord& call = *mine.call;
    for (std::size_t other = 0; other < places_.size(); ++other) {
      const Place& its = places_[other];
      const ThreadId thread = its.call->thread;
      bool before = other <= me && thread == call.thread;
      if (!before && its.first != 0 && mine.last != 0) {
        before = events[mine.last - 1].clock.covers(thread, its.first - 1);
      }
      if (before) mine.begins_before_my_end |= std::uint32_t{1} << other;
    }
    // Words end with a zero, numbers have one length.
    key_ += static_cast<char>(call.thread);
    key_.append(call.call.c_str(), call.call.size() + 1);
    key_ += call.returned ? '=' : '?';
    key_.append(call.result.c_str(), call.result.size() + 1);
    key_.append(reinterpret_cast<const char*>(&mine.begins_before_my_end),
                sizeof(mine.begins_before_my_end));
  }
  key_ += notes;
}

History Histories::history(const std::string& notes) const {
  History history;
  history.notes = notes;
  for (const Place& place : places_) {
    const CallRecord& call = *place.call;
    history.calls.push_back(
        {call.thread, call.call, call.result, call.returned, place.begins_before_my_end});
  }
  return history;
}

}  // namespace iommucheck::schedule
