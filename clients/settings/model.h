// SPDX-License-Identifier: Apache-2.0
// What the window knows, and what it does. Looks at the broker every now and then while somebody
// looks at the window, and never otherwise.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <glib.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "clients/settings/broker_link.h"
#include "clients/settings/lane.h"
#include "clients/settings/snapshot.h"

namespace postern::settings {

// Of GTK's thread. Calls back on it.
class Model {
 public:
  // Connections open and close while one looks; two seconds are what "in use now" may be late.
  static constexpr absl::Duration kAccessInterval = absl::Seconds(2);
  // Chats and seals change by people's acts; ours are looked at once they are done.
  static constexpr absl::Duration kChatInterval = absl::Seconds(20);

  explicit Model(owner::Paths paths);
  // Closes, and waits for calls that run.
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Null until the broker has answered once; what it said last while it is away.
  const AccessPicture* access() const { return access_.has_value() ? &*access_ : nullptr; }
  const ChatPicture* chats() const { return chats_.has_value() ? &*chats_ : nullptr; }
  // OK, or why the last look failed.
  const absl::Status& problem() const {
    return access_problem_.ok() ? chat_problem_ : access_problem_;
  }

  // Ends calls that wait for an answer, and calls back no more: for when what shows it is gone.
  void Close();

  // Calls 'changed' whenever one of the three changed. For things that live as long as the model.
  void Observe(std::function<void()> changed) { observers_.push_back(std::move(changed)); }

  // Looks while 'visible', beginning at once.
  void SetVisible(bool visible);
  // Looks now, at everything.
  void Refresh();

  // Keeps every answer back while 'pressing' says that the person presses something, in the order
  // they came in, but none for longer than 'longest': pages are filled anew with them, and what is
  // pressed would be gone. Without it none is kept back.
  void HoldWhile(std::function<bool()> pressing, absl::Duration longest) {
    pressing_ = std::move(pressing);
    hold_max_ = longest;
  }

  // Runs 'call', an absl::StatusOr<T>(owner::Owner&), and then 'done' with its result. Looking, for
  // what a page shows.
  template <typename Call, typename Done>
  void Look(Call call, Done done) {
    Post(looks_, std::move(call), std::move(done));
  }
  // The same for what the person may be asked about first: in the lane of questions, so that other
  // looking does not wait behind it.
  template <typename Call, typename Done>
  void LookWhenAllowed(Call call, Done done) {
    Post(questions_, std::move(call), std::move(done));
  }
  // The same for what changes something. Looks at everything again when it is done.
  template <typename Call, typename Done>
  void Act(Call call, Done done) {
    Post(acts_, std::move(call), Refreshing(std::move(done)));
  }
  // The same for what the person is asked about in Postern's own question: a lane of its own, so
  // that taking back never waits behind a question.
  template <typename Call, typename Done>
  void Ask(Call call, Done done) {
    Post(questions_, std::move(call), Refreshing(std::move(done)));
  }

 private:
  template <typename Call, typename Done>
  void Post(Lane& lane, Call call, Done done) {
    using Answer = decltype(call(std::declval<owner::Owner&>()));
    // Taken here: Close, too, is of GTK's thread.
    const std::weak_ptr<bool> open = open_;
    const bool taken = lane.Post([this, open, call = std::move(call), done]() -> Lane::Result {
      auto answer = std::make_shared<Answer>(link_.Run(call));
      return [this, open, answer, done] {
        if (!open.expired()) Deliver([answer, done] { done(std::move(*answer)); });
      };
    });
    if (!taken && !open.expired())
      done(Answer(absl::ResourceExhaustedError("Postern does not answer.")));
  }
  template <typename Done>
  auto Refreshing(Done done) {
    return [this, done = std::move(done)](auto answer) {
      Refresh();
      done(std::move(answer));
    };
  }

  // Runs 'take', an answer's way to who waits for it, once nothing is pressed.
  void Deliver(std::function<void()> take);
  void DeliverHeld();

  void LookAtAccessNow();
  void LookAtChatsNow();
  void OnAccess(absl::StatusOr<AccessPicture> picture);
  void OnChats(absl::StatusOr<ChatPicture> picture);
  void Tell();

  BrokerLink link_;
  std::optional<AccessPicture> access_;
  std::optional<ChatPicture> chats_;
  std::string access_fingerprint_;
  std::string chat_fingerprint_;
  absl::Status access_problem_;
  absl::Status chat_problem_;
  std::vector<std::function<void()>> observers_;
  bool visible_ = false;
  // A look is under way; another is wanted behind it.
  bool looking_ = false;
  bool look_again_ = false;
  bool looking_at_chats_ = false;
  bool look_at_chats_again_ = false;
  guint access_timer_ = 0;
  guint chat_timer_ = 0;
  std::function<bool()> pressing_;
  absl::Duration hold_max_;
  // Few: each lane has a bound, and a look is not repeated before it is answered.
  std::deque<std::function<void()>> held_;
  gint64 held_since_ = 0;
  guint hold_timer_ = 0;
  // Held by nobody else: results that come after Close see that.
  std::shared_ptr<bool> open_ = std::make_shared<bool>(true);

  Lane looks_;
  Lane acts_;
  Lane questions_;
};

}  // namespace postern::settings
