// meridianctl: the operator's tool. One file a sub-command; this one only wires them.
#include "meridianctl/command.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace meridian::meridianctl;
  CLI::App app{"Meridian's operator tool: check and explain a map, and talk to a running meridiand."};
  app.require_subcommand(1);
  app.fallthrough();
  Options options;
  app.add_option("--control", options.control, "Control socket of the running server")
      ->envname("MERIDIAN_CONTROL")
      ->capture_default_str();
  add_check(app, options);
  add_explain(app, options);
  add_status(app, options);
  add_reload(app, options);
  add_schema(app, options);
  add_completion(app, options);
  add_version(app, options);
  // Libraries may throw (files, memory); an operator gets a line, not a core dump.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUnusable;
  } catch (const std::exception& error) {
    complain(error.what());
    return kUnusable;
  }
  return options.exit_code;
}
