// SPDX-License-Identifier: MIT
// Calls by thread, and the order between them that no reordering of independent steps can change.
#include "checker/schedule/history.h"

#include <algorithm>

namespace iommucheck::schedule {

void Histories::begin(ThreadId thread, std::string call, std::uint32_t position) {
  if (calls_.size() == kMaxCalls) return;
  calls_.push_back({thread, std::move(call), {}, false, position, position});
}

void Histories::end(ThreadId thread, std::string result, std::uint32_t position) {
  const auto call = std::find_if(calls_.rbegin(), calls_.rend(), [&](const CallRecord& c) {
    return c.thread == thread && !c.returned;
  });
  if (call == calls_.rend()) return;
  call->result = std::move(result);
  call->returned = true;
  call->last = position;
}

std::string Histories::running(ThreadId thread) const {
  const auto call = std::find_if(calls_.rbegin(), calls_.rend(),
                                 [&](const CallRecord& c) { return c.thread == thread; });
  return call == calls_.rend() || call->returned ? std::string{} : call->call;
}

History Histories::describe(const std::vector<Event>& events, const std::string& notes,
                            std::string& key) const {
  History history;
  history.notes = notes;
  // By thread, not by time: executions of one trace give one history.
  std::vector<CallRecord> calls = calls_;
  std::stable_sort(calls.begin(), calls.end(),
                   [](const CallRecord& a, const CallRecord& b) { return a.thread < b.thread; });
  const auto size = static_cast<std::uint32_t>(events.size());
  struct Span {
    std::uint32_t first, last;  ///< positions + 1; 0: it passed no scheduling point
  };
  std::vector<Span> spans;
  for (const CallRecord& call : calls) {
    Span span{0, 0};
    const std::uint32_t end = call.returned ? call.last : size;
    for (std::uint32_t at = call.first; at < end; ++at) {
      if (events[at].thread != call.thread) continue;
      if (span.first == 0) span.first = at + 1;
      span.last = at + 1;
    }
    spans.push_back(span);
  }
  for (std::size_t me = 0; me < calls.size(); ++me) {
    History::Call call{calls[me].thread, calls[me].call, calls[me].result, calls[me].returned, 0};
    for (std::size_t other = 0; other < calls.size(); ++other) {
      bool before = other <= me && calls[other].thread == call.thread;
      if (!before && spans[other].first != 0 && spans[me].last != 0) {
        before =
            events[spans[me].last - 1].clock.covers(calls[other].thread, spans[other].first - 1);
      }
      if (before) call.begins_before_my_end |= std::uint32_t{1} << other;
    }
    key += std::to_string(call.thread) + ' ' + call.call + '=' +
           (call.returned ? call.result : "?") + ' ' + std::to_string(call.begins_before_my_end) +
           ';';
    history.calls.push_back(std::move(call));
  }
  key += notes;
  return history;
}

}  // namespace iommucheck::schedule
