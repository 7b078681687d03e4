// SPDX-License-Identifier: Apache-2.0
// The owner's calls, for tests that make many of them. Each expects to be answered.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

class OwnerCalls {
 public:
  explicit OwnerCalls(BrokerHarness& harness) : harness_(harness), owner_(harness.Owner()) {}
  // After a restart.
  void Reconnect() { owner_ = harness_.Owner(); }
  sdk::Stubs* operator->() const { return owner_.stubs.get(); }

  v1::GetStatusResponse Status() {
    v1::GetStatusResponse response;
    Expect(owner_->owner->GetStatus(Patiently().get(), {}, &response));
    return response;
  }
  // Of an app; ended ones too.
  std::vector<v1::Grant> Grants(const std::string& principal) {
    v1::ListGrantsRequest request;
    request.set_principal(principal);
    request.set_include_ended(true);
    v1::ListGrantsResponse response;
    Expect(owner_->owner->ListGrants(Patiently().get(), request, &response));
    std::vector<v1::Grant> grants;
    for (const v1::OwnedGrant& grant : response.grants()) grants.push_back(grant.grant());
    return grants;
  }
  v1::Grant GrantOf(const Program& app) {
    const std::vector<v1::Grant> grants = Grants(app.principal);
    EXPECT_EQ(grants.size(), 1u);
    return grants.empty() ? v1::Grant() : grants.front();
  }
  v1::RevokeGrantResponse Revoke(const std::string& grant) {
    return Change<v1::RevokeGrantRequest, v1::RevokeGrantResponse>(
        grant, [&](auto* context, const auto& request, auto* response) {
          return owner_->owner->RevokeGrant(context, request, response);
        });
  }
  v1::SuspendGrantResponse Suspend(const std::string& grant) {
    return Change<v1::SuspendGrantRequest, v1::SuspendGrantResponse>(
        grant, [&](auto* context, const auto& request, auto* response) {
          return owner_->owner->SuspendGrant(context, request, response);
        });
  }
  v1::ResumeGrantResponse Resume(const std::string& grant) {
    return Change<v1::ResumeGrantRequest, v1::ResumeGrantResponse>(
        grant, [&](auto* context, const auto& request, auto* response) {
          return owner_->owner->ResumeGrant(context, request, response);
        });
  }
  v1::NarrowGrantResponse Narrow(v1::NarrowGrantRequest request) {
    request.set_request_id(harness_.NewRequestId());
    v1::NarrowGrantResponse response;
    Expect(owner_->owner->NarrowGrant(Patiently().get(), request, &response));
    return response;
  }
  void RevokeApp(const std::string& principal) {
    v1::RevokeAppRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_principal(principal);
    v1::RevokeAppResponse response;
    Expect(owner_->owner->RevokeApp(Patiently().get(), request, &response));
  }
  // All pages, newest first.
  std::vector<v1::AccessEntry> History(v1::ListAccessHistoryRequest request = {}) {
    std::vector<v1::AccessEntry> entries;
    do {
      v1::ListAccessHistoryResponse response;
      const grpc::Status status =
          owner_->owner->ListAccessHistory(Patiently().get(), request, &response);
      Expect(status);
      if (!status.ok()) break;
      entries.insert(entries.end(), response.entries().begin(), response.entries().end());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return entries;
  }
  std::vector<v1::AccessEntry> HistoryOf(const Program& app, std::vector<v1::AccessVerb> verbs) {
    v1::ListAccessHistoryRequest request;
    request.set_principal(app.principal);
    for (const v1::AccessVerb verb : verbs) request.add_verbs(verb);
    return History(request);
  }
  v1::VerifyResponse Verify() {
    v1::VerifyResponse response;
    Expect(owner_->owner->Verify(Patiently().get(), {}, &response));
    return response;
  }
  bool HasNotice(v1::OwnerNotice::Kind kind) {
    const v1::GetStatusResponse status = Status();
    for (const v1::OwnerNotice& notice : status.notices()) {
      if (notice.kind() == kind) return true;
    }
    return false;
  }
  // Waits until 'condition' holds; false when it does not within kPatience.
  template <typename Condition>
  static bool Await(Condition condition) {
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
    while (!condition()) {
      if (Steady::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  static void Expect(const grpc::Status& status) { EXPECT_TRUE(status.ok()) << Text(status); }
  template <typename Request, typename Response, typename Call>
  Response Change(const std::string& grant, Call call) {
    Request request;
    request.set_request_id(harness_.NewRequestId());
    request.set_grant_id(grant);
    Response response;
    Expect(call(Patiently().get(), request, &response));
    return response;
  }

  BrokerHarness& harness_;
  Program owner_;
};

}  // namespace postern::behaviors
