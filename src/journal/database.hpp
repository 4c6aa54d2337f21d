// SQLite as values: errors come back, statements are prepared once and end with their owner.
//
// The only user of <sqlite3.h>. Not thread-safe: whoever has a Database uses it from one thread.
#pragma once

#include "base/expected.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace meridian::journal {

struct DatabaseError {
  std::string message;      ///< as SQLite words it
  bool is_damaged = false;  ///< the file is no database, or one that is broken
};

template <typename T>
using Result = base::Expected<T, DatabaseError>;

class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  /// Values for the question marks, from the first one on. Text is copied.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    begin();
    (put(values), ...);
    return *this;
  }
  /// True: there is a row, and the columns can be read. False: done.
  [[nodiscard]] Result<bool> step();
  /// For what returns no rows.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] std::string text(int column) const;  ///< "" for NULL
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  void begin();
  void put(std::string_view value);
  void put(std::int64_t value);
  void put(double value);

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

class Database {
 public:
  /// `path` may be ":memory:". The file is made if it is not there.
  [[nodiscard]] static Result<Database> open(const std::string& path);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// One statement or several, whose rows do not matter.
  [[nodiscard]] Result<void> run(const std::string& sql);
  /// The number in the first column of the only row.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql);
  /// The text there.
  [[nodiscard]] Result<std::string> word(std::string_view sql);

  [[nodiscard]] std::int64_t last_id() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace meridian::journal
