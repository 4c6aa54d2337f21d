#include "dns/writer.hpp"

#include "base/assert.hpp"
#include "dns/rdata.hpp"

#include <algorithm>
#include <cstring>

namespace meridian::dns {
namespace {

/// A pointer has 14 bits (RFC 1035 4.1.4).
constexpr std::size_t kPointerReach = 0x4000;
constexpr std::size_t kLongestQuestionEnd = kHeaderBytes + base::limits::kNameBytesMax + kQuestionFixedBytes;
constexpr std::size_t kPointerBytes = 2;

/// The labels of a name from first to last, each with a hash of the name that starts there.
class Labels {
 public:
  explicit Labels(NameView name) noexcept {
    for (NameView rest = name; !rest.is_root(); rest = rest.parent()) {
      starts_[count_++] = static_cast<std::uint8_t>(name.size() - rest.size());
    }
    // From the last label on, so that each hash continues its parent's (FNV-1a over lower-case bytes).
    std::uint32_t hash = 0x811c'9dc5;
    for (std::size_t index = count_; index-- > 0;) {
      const std::size_t start = starts_[index];
      for (const std::uint8_t byte : name.wire().subspan(start, 1u + name.wire()[start])) {
        hash = (hash ^ lower(byte)) * 0x0100'0193;
      }
      hashes_[index] = static_cast<std::uint16_t>(hash >> 16);
    }
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t start(std::size_t index) const noexcept { return starts_[index]; }
  [[nodiscard]] std::uint16_t hash(std::size_t index) const noexcept { return hashes_[index]; }

 private:
  std::size_t count_ = 0;
  std::array<std::uint8_t, base::limits::kLabelsMax> starts_;
  std::array<std::uint16_t, base::limits::kLabelsMax> hashes_;
};

constexpr std::uint16_t pointer_to(std::size_t offset) noexcept {
  return static_cast<std::uint16_t>(kPointerMark | offset);
}

/// The bytes of the whole record at the start of `records`.
std::size_t image_bytes(std::span<const std::uint8_t> records) noexcept {
  return kImageFixedBytes + load_u16(records.data() + kImageLengthAt);
}

/// Where the name at `at` ends: after its final zero, or at the two bytes of its pointer.
std::size_t skip_labels(const std::uint8_t* bytes, std::size_t at) noexcept {
  while (bytes[at] != 0 && bytes[at] < 0xc0) at += 1u + bytes[at];
  return at;
}

void move_pointer(std::uint8_t* pointer, std::size_t shift) noexcept {
  store_u16(pointer, static_cast<std::uint16_t>(load_u16(pointer) + shift));
}

/// Makes rendered records fit a question whose name is longer than their owner: pointers to the owner move by
/// `owner_shift`, those in rdata by `shift`.
void move_pointers(std::span<std::uint8_t> records, Rtype type, std::size_t owner_shift, std::size_t shift) {
  const RdataNames names = compressible_names(type);
  while (!records.empty()) {
    std::uint8_t* const record = records.data();
    const std::size_t size = image_bytes(records);
    move_pointer(record, owner_shift);
    std::size_t at = kImageFixedBytes + names.fixed_bytes;
    for (std::size_t left = names.name_count; left > 0; --left) {
      at = skip_labels(record, at);
      if (record[at] == 0) {
        ++at;
        continue;
      }
      move_pointer(record + at, shift);
      at += kPointerBytes;
    }
    records = records.subspan(size);
  }
}

void store_ttls(std::span<std::uint8_t> records, std::uint32_t ttl_s) noexcept {
  for (; !records.empty(); records = records.subspan(image_bytes(records))) {
    store_u32(records.data() + kImageTtlAt, ttl_s);
  }
}

/// Takes the next length-prefixed rdata off `records`; false when there is no whole one.
bool take_rdata(std::span<const std::uint8_t>& records, std::span<const std::uint8_t>& rdata) noexcept {
  if (records.size() < 2 || records.size() - 2 < load_u16(records.data())) return false;
  const std::size_t length = load_u16(records.data());
  rdata = records.subspan(2, length);
  records = records.subspan(2 + length);
  return true;
}

}  // namespace

/// The owner of one RRset's records: spelled out (and compressed) once, then a pointer to that.
class MessageWriter::Owner {
 public:
  Owner(MessageWriter& writer, NameView name) noexcept : writer_(writer), name_(name) {}

  [[nodiscard]] bool put() noexcept {
    if (pointer_ != 0) {
      const std::uint8_t bytes[] = {static_cast<std::uint8_t>(pointer_ >> 8),
                                    static_cast<std::uint8_t>(pointer_)};
      return writer_.put_bytes(bytes);
    }
    const std::size_t start = writer_.at_;
    if (!writer_.put_name(name_)) return false;
    const std::uint8_t first = writer_.out_[start];
    if (first >= 0xc0) {
      pointer_ = load_u16(writer_.out_.data() + start);
    } else if (first != 0 && start < kPointerReach) {  // the root is shorter than a pointer to it
      pointer_ = pointer_to(start);
    }
    return true;
  }

 private:
  MessageWriter& writer_;
  NameView name_;
  std::uint16_t pointer_ = 0;
};

// known_names_ stays uninitialised: only the first known_name_count_ are ever read.
MessageWriter::MessageWriter(std::span<std::uint8_t> out, std::size_t bytes_max) noexcept
    : out_(out), bytes_max_(std::min(out.size(), bytes_max)) {
  MERIDIAN_ASSERT(bytes_max_ >= kLongestQuestionEnd);
}

void MessageWriter::begin_reply(const Query& query, std::span<const std::uint8_t> packet,
                                Rcode rcode) noexcept {
  id_ = query.id;
  bits_ = header_bits::kResponse;
  if (query.recursion_desired) bits_ |= header_bits::kRecursionDesired;
  if (query.checking_disabled) bits_ |= header_bits::kCheckingDisabled;
  rcode_ = rcode;
  rclass_ = query.rclass == Rclass::Any ? Rclass::In : query.rclass;
  at_ = question_end_ = query.question_end;
  std::memcpy(out_.data() + kHeaderBytes, packet.data() + kHeaderBytes, at_ - kHeaderBytes);
}

void MessageWriter::remember_first_names() noexcept {
  if (known_name_count_ != 0) return;
  remember_question();
  question_name_count_ = known_name_count_;
  remember_copied();
  first_name_count_ = known_name_count_;
}

void MessageWriter::remember_question() noexcept {
  if (question_end_ == 0) return;
  const NameView name{out_.subspan(kHeaderBytes, question_end_ - kQuestionFixedBytes - kHeaderBytes)};
  const Labels labels{name};
  for (std::size_t index = 0; index < labels.count(); ++index) {
    remember(kQuestionNameOffset + labels.start(index), labels.hash(index));
  }
}

void MessageWriter::remember_copied() noexcept {
  Name name;
  for (std::size_t at = question_end_; at < copied_end_; at += image_bytes(out_.subspan(at))) {
    const auto type = static_cast<Rtype>(load_u16(out_.data() + at + kImageTypeAt));
    const RdataNames names = compressible_names(type);
    std::size_t name_at = at + kImageFixedBytes + names.fixed_bytes;
    for (std::size_t left = names.name_count; left > 0; --left) {
      const std::size_t pointer_at = skip_labels(out_.data(), name_at);
      const std::size_t end = name.read(out_.first(copied_end_), name_at);
      MERIDIAN_DEBUG_ASSERT(end != 0);
      const Labels labels{name};
      for (std::size_t index = 0; index < labels.count(); ++index) {
        if (name_at + labels.start(index) >= pointer_at) break;  // behind the pointer: known already
        remember(name_at + labels.start(index), labels.hash(index));
      }
      name_at = end;
    }
  }
}

bool MessageWriter::reserve(std::size_t tail_bytes) noexcept {
  if (!has_room(tail_bytes)) return false;
  reserved_ += tail_bytes;
  return true;
}

MessageWriter::Mark MessageWriter::mark() const noexcept {
  Mark mark;
  mark.at_ = at_;
  mark.known_name_count_ = known_name_count_;
  mark.counts_ = counts_;
  mark.section_ = section_;
  return mark;
}

void MessageWriter::rewind(const Mark& mark) noexcept {
  at_ = mark.at_;
  if (at_ < copied_end_) {
    copied_end_ = 0;
    first_name_count_ = question_name_count_;
  }
  // What stands before the mark stays known even when it became so after it.
  known_name_count_ = std::max(mark.known_name_count_, first_name_count_);
  counts_ = mark.counts_;
  section_ = mark.section_;
}

bool MessageWriter::add_rrset(Section section, NameView owner, Rtype type, std::uint32_t ttl_s,
                              std::span<const std::uint8_t> records) noexcept {
  const Mark before = mark();
  open_section(section);
  Owner owner_writer{*this, owner};
  std::span<const std::uint8_t> rdata;
  while (!records.empty()) {
    if (!take_rdata(records, rdata) || !owner_writer.put() || !put_record(type, ttl_s, rdata)) {
      rewind(before);
      return false;
    }
  }
  return true;
}

bool MessageWriter::add_rrset(Section section, NameView owner, const Rrset& rrset,
                              std::optional<std::uint32_t> ttl_s) noexcept {
  // A pointer to the root would be longer than the root.
  if (at_ == question_end_ && rclass_ == Rclass::In && !owner.is_root()) {
    return copy_rrset(section, owner, rrset, ttl_s);
  }
  const Mark before = mark();
  open_section(section);
  Owner owner_writer{*this, owner};
  const bool fits = for_each_rdata(rrset, [&](std::span<const std::uint8_t> rdata) {
    return owner_writer.put() && put_record(rrset.type, ttl_s.value_or(rrset.ttl_s), rdata);
  });
  if (!fits) rewind(before);
  return fits;
}

bool MessageWriter::copy_rrset(Section section, NameView owner, const Rrset& rrset,
                               std::optional<std::uint32_t> ttl_s) noexcept {
  const std::size_t asked_bytes = question_end_ - kQuestionFixedBytes - kHeaderBytes;
  const std::size_t owner_shift = asked_bytes - owner.size();
  const std::size_t shift = asked_bytes - rrset.owner.size();
  MERIDIAN_DEBUG_ASSERT(shift < asked_bytes && is_name_at(kHeaderBytes + owner_shift, owner));
  const std::size_t start = at_;
  if (!put_bytes(rrset.images)) return false;
  open_section(section);
  const auto records = out_.subspan(start, rrset.images.size());
  if (shift != 0) move_pointers(records, rrset.type, owner_shift, shift);
  if (ttl_s && *ttl_s != rrset.ttl_s) store_ttls(records, *ttl_s);
  auto& section_count = counts_[static_cast<std::size_t>(section)];
  section_count = static_cast<std::uint16_t>(section_count + rrset.count);
  copied_end_ = at_;
  return true;
}

bool MessageWriter::add_raw(Section section, std::span<const std::uint8_t> images,
                            std::uint16_t count) noexcept {
  MERIDIAN_DEBUG_ASSERT(images.empty() || load_u16(images.data()) == pointer_to(kQuestionNameOffset));
  if (!put_bytes(images)) return false;
  open_section(section);
  auto& section_count = counts_[static_cast<std::size_t>(section)];
  section_count = static_cast<std::uint16_t>(section_count + count);
  return true;
}

bool MessageWriter::add_raw(Section section, NameView owner, std::optional<std::uint32_t> ttl_s,
                            std::span<const std::uint8_t> images) noexcept {
  const Mark before = mark();
  open_section(section);
  Owner owner_writer{*this, owner};
  while (!images.empty()) {
    const std::size_t size =
        images.size() < kImageFixedBytes ? 0 : kImageFixedBytes + load_u16(images.data() + kImageLengthAt);
    const bool is_whole = size != 0 && size <= images.size();
    if (!is_whole || !owner_writer.put() || !put_bytes(images.subspan(kPointerBytes, size - kPointerBytes))) {
      rewind(before);
      return false;
    }
    if (ttl_s) store_u32(out_.data() + at_ - (size - kImageTtlAt), *ttl_s);
    ++counts_[static_cast<std::size_t>(section)];
    images = images.subspan(size);
  }
  return true;
}

bool MessageWriter::write_opt(const EdnsReply& edns) noexcept {
  const std::size_t size = opt_record_bytes(edns);
  if (bytes_max_ - at_ < size) return false;
  open_section(Section::Additional);
  at_ += write_opt_record(out_.subspan(at_), rcode_, edns);
  reserved_ = 0;
  ++counts_[static_cast<std::size_t>(Section::Additional)];
  return true;
}

std::uint16_t MessageWriter::name_offset(NameView name) noexcept {
  if (name.is_root()) return 0;
  remember_first_names();
  return find_known(name, Labels{name}.hash(0));
}

std::size_t MessageWriter::finish() noexcept {
  const auto lower_rcode =
      static_cast<std::uint16_t>(static_cast<unsigned>(rcode_) & header_bits::kRcodeMask);
  write_header(out_.first<kHeaderBytes>(),
               {.id = id_,
                .bits = static_cast<std::uint16_t>(bits_ | lower_rcode),
                .question_count = static_cast<std::uint16_t>(question_end_ == 0 ? 0 : 1),
                .answer_count = count(Section::Answer),
                .authority_count = count(Section::Authority),
                .additional_count = count(Section::Additional)});
  return at_;
}

bool MessageWriter::put_bytes(std::span<const std::uint8_t> bytes) noexcept {
  if (!has_room(bytes.size())) return false;
  if (!bytes.empty()) std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
  at_ += bytes.size();
  return true;
}

bool MessageWriter::put_name(NameView name) noexcept {
  remember_first_names();
  const Labels labels{name};
  std::size_t spelled = 0;  // labels that are new in this message
  std::uint16_t target = 0;
  for (; spelled < labels.count(); ++spelled) {
    target = find_known(NameView{name.wire().subspan(labels.start(spelled))}, labels.hash(spelled));
    if (target != 0) break;
  }
  const std::size_t start = at_;
  const std::size_t spelled_bytes = target != 0 ? labels.start(spelled) : name.size();
  if (!has_room(spelled_bytes + (target != 0 ? kPointerBytes : 0))) return false;
  if (!put_bytes(name.wire().first(spelled_bytes))) return false;
  if (target != 0) {
    store_u16(out_.data() + at_, pointer_to(target));
    at_ += kPointerBytes;
  }
  for (std::size_t index = 0; index < spelled; ++index)
    remember(start + labels.start(index), labels.hash(index));
  return true;
}

bool MessageWriter::put_rdata(Rtype type, std::span<const std::uint8_t> rdata) noexcept {
  const RdataNames names = compressible_names(type);
  if (names.name_count == 0 || rdata.size() < names.fixed_bytes) return put_bytes(rdata);
  if (!put_bytes(rdata.first(names.fixed_bytes))) return false;
  std::size_t at = names.fixed_bytes;
  for (std::size_t left = names.name_count; left > 0; --left) {
    const std::size_t end = find_name_end(rdata, at);
    if (end == 0) break;  // not what the type promises: the rest goes out as it is
    if (!put_name(NameView{rdata.subspan(at, end - at)})) return false;
    at = end;
  }
  return put_bytes(rdata.subspan(at));
}

bool MessageWriter::put_record(Rtype type, std::uint32_t ttl_s,
                               std::span<const std::uint8_t> rdata) noexcept {
  if (!has_room(kRecordFixedBytes)) return false;
  std::uint8_t* fixed = out_.data() + at_;
  store_u16(fixed, static_cast<std::uint16_t>(type));
  store_u16(fixed + 2, static_cast<std::uint16_t>(rclass_));
  store_u32(fixed + 4, ttl_s);
  at_ += kRecordFixedBytes;
  const std::size_t rdata_at = at_;
  if (!put_rdata(type, rdata)) return false;
  store_u16(fixed + 8, static_cast<std::uint16_t>(at_ - rdata_at));
  ++counts_[static_cast<std::size_t>(section_)];
  return true;
}

void MessageWriter::open_section(Section section) noexcept {
  MERIDIAN_DEBUG_ASSERT(section >= section_);
  section_ = section;
}

void MessageWriter::remember(std::size_t offset, std::uint16_t hash) noexcept {
  if (offset >= kPointerReach || known_name_count_ == known_names_.size()) return;
  known_names_[known_name_count_++] = {.offset = static_cast<std::uint16_t>(offset), .hash = hash};
}

std::uint16_t MessageWriter::find_known(NameView name, std::uint16_t hash) const noexcept {
  for (std::size_t index = 0; index < known_name_count_; ++index) {
    const KnownName& known = known_names_[index];
    if (known.hash == hash && is_name_at(known.offset, name)) return known.offset;
  }
  return 0;
}

bool MessageWriter::is_name_at(std::size_t offset, NameView name) const noexcept {
  for (;; name = name.parent()) {
    // Each pointer of ours leads to spelled labels further back, never to another pointer.
    if (out_[offset] >= 0xc0) offset = load_u16(out_.data() + offset) & (kPointerReach - 1);
    const std::size_t label_bytes = 1u + out_[offset];
    if (out_[offset] != name.wire()[0]) return false;
    if (name.is_root()) return true;
    const auto label = name.wire().first(label_bytes);
    if (!std::equal(label.begin(), label.end(), out_.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](std::uint8_t a, std::uint8_t b) { return lower(a) == lower(b); })) {
      return false;
    }
    offset += label_bytes;
  }
}

}  // namespace meridian::dns
