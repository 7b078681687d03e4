// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "broker/caller.h"
#include "broker/parts.h"
#include "postern/v1/attachment_service.grpc.pb.h"

namespace postern::broker {

// The bytes of attachments, for apps: taken out from what the app sees, brought in for what it
// sends.
class AttachmentService final : public v1::AttachmentService::Service {
 public:
  explicit AttachmentService(const Parts& parts) : parts_(parts) {}

  grpc::Status Download(grpc::ServerContext* context, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadResponse>* writer) override;
  grpc::Status Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse* response) override;
  grpc::Status GetUpload(grpc::ServerContext* context, const v1::GetUploadRequest* request,
                         v1::GetUploadResponse* response) override;

 private:
  absl::Status Stream(const Caller& caller, grpc::ServerContext* context,
                      const v1::DownloadRequest& request,
                      grpc::ServerWriter<v1::DownloadResponse>& writer);
  absl::Status TakeIn(const Caller& caller, grpc::ServerContext* context,
                      grpc::ServerReader<v1::UploadRequest>& reader, v1::UploadResponse& response);

  const Parts& parts_;
};

}  // namespace postern::broker
