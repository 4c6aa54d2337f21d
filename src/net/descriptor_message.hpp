// One message with descriptors over a unix SOCK_SEQPACKET socket (SCM_RIGHTS): how sockets change process.
//
// Blocks, at most until a deadline. Not HOT.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "net/sockets.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::net {

struct DescriptorMessage {
  std::string bytes;
  std::vector<FileDescriptor> descriptors;
};

/// Two connected ends; errno on failure.
[[nodiscard]] base::Expected<std::pair<FileDescriptor, FileDescriptor>, int> make_message_pair();

/// At most limits::kHandoverMessageBytesMax and kHandoverDescriptorsMax. errno on failure: ETIMEDOUT, EPIPE.
[[nodiscard]] base::Expected<void, int> send_message(const FileDescriptor& socket, std::string_view bytes,
                                                     std::span<const int> descriptors,
                                                     base::MonotonicTime deadline);

/// errno on failure: ETIMEDOUT, EPIPE when the other end is closed, EMSGSIZE for what no end of ours sends.
[[nodiscard]] base::Expected<DescriptorMessage, int> receive_message(const FileDescriptor& socket,
                                                                     base::MonotonicTime deadline);

}  // namespace meridian::net
