// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "broker/export_book.h"
#include "broker/parts.h"
#include "broker/trusted_clock.h"
#include "postern/v1/export_service.grpc.pb.h"

namespace postern::broker {

// Takes messages out, for the user's own tools and for apps that may: the person is asked each
// time.
class ExportService final : public v1::ExportService::Service {
 public:
  explicit ExportService(const Parts& parts) : parts_(parts), book_(parts.clock) {}

  grpc::Status Export(grpc::ServerContext* context, const v1::ExportRequest* request,
                      grpc::ServerWriter<v1::ExportResponse>* writer) override;
  // Drops exports that nobody goes on with.
  void Sweep() { book_.Sweep(); }

 private:
  absl::Status Stream(const Caller& caller, grpc::ServerContext* context,
                      const v1::ExportRequest& request,
                      grpc::ServerWriter<v1::ExportResponse>& writer);
  // Asks the person, and begins. 'asked' is what the export is of.
  absl::StatusOr<std::unique_ptr<broker::Export>> Begin(const Caller& caller,
                                                        grpc::ServerContext* context,
                                                        broker::Export::Request asked);

  const Parts& parts_;
  ExportBook book_;
};

}  // namespace postern::broker
