// SPDX-License-Identifier: Apache-2.0
// postern-demo-gatekeeper: AliceChat, a messaging client that plays a script.
#include <sys/random.h>

#include <CLI/CLI.hpp>

#include "clients/gatekeepers/demo/program.h"

int main(int argc, char** argv) {
  postern::demo::ProgramOptions options;
  CLI::App app{
      "AliceChat: a messaging client that plays a script, and Postern's demo gatekeeper.\n"
      "Waits for you to allow it, brings its chats to the broker, and does what apps ask.\n"};
  app.name("postern-demo-gatekeeper");
  app.add_option("--script", options.script_path, "Play this file instead of the built-in script")
      ->check(CLI::ExistingFile);
  app.add_option("--speed", options.play.speed, "Play so many times as fast")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  bool full_speed = false;
  app.add_flag("--full-speed", full_speed, "Play without any pause");
  app.add_option("--repeat", options.play.rounds, "Play the script so often")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  auto* generate = app.add_option("--generate", options.generate,
                                  "Make so many events instead of playing a script")
                       ->check(CLI::Range(1, 10000000));
  auto* seed = app.add_option("--seed", options.seed,
                              "For --generate and --fault: same seed, same run [1; with --fault "
                              "another one each time, which is printed]");
  app.add_option("--chats", options.chats, "For --generate: over so many chats")
      ->needs(generate)
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--rate", options.play.rate, "So many events a second instead of the pauses")
      ->check(CLI::Range(0.1, 1000000.0));
  app.add_option(
         "--fault", options.faults,
         "Let this go wrong, KIND or KIND=RATE (0 to 1, 0.05 without): gap, replay, reorder, "
         "disconnect, slow, lying-time, refuse-now, refuse. Can be given several times")
      ->expected(1, 8);
  app.add_option(
      "--journal", options.journal_path,
      "Append 'POSITION submitted ID', 'POSITION acked' and 'attached' lines to this file");
  app.add_flag("--exit-at-end", options.exit_at_end,
               "Exit when the script is over and the broker has stored all of it");
  app.add_flag("--quiet", options.quiet, "Do not show the chats");
  app.add_flag("--show-events", options.show_events,
               "Show what apps do also as events of the contract, 'happened {JSON}' lines");
  app.add_flag("--control", options.control,
               "Take what happens from standard input in place of the script, one JSON request a "
               "line (see clients/conformance/README.md)");
  app.footer(
      "\nExamples:\n"
      "  postern-demo-gatekeeper                        the built-in script, then serve apps\n"
      "  postern-demo-gatekeeper --speed 3 --exit-at-end\n"
      "  postern-demo-gatekeeper --generate 10000 --seed 7 --chats 40 --quiet --exit-at-end\n"
      "  postern-demo-gatekeeper --generate 50000 --rate 5000 --quiet --journal acked.txt\n"
      "  postern-demo-gatekeeper --fault reorder=0.2 --fault disconnect --seed 42\n"
      "\nA script is played once: killed or stopped, the next run with it goes on where it was.\n"
      "\nExit codes: 0 done or stopped, 2 usage or script, 3 not allowed (any more), 4 keyring, "
      "spool\n"
      "or disk.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? postern::demo::kDone : postern::demo::kUsage;
  }
  if (full_speed || (options.generate > 0 && app.count("--speed") == 0)) options.play.speed = 0;
  options.play.setup_only = options.control;
  // A run that found something can be repeated, since its seed is printed.
  if (!options.faults.empty() && seed->count() == 0) {
    uint32_t random = 1;
    if (::getrandom(&random, sizeof random, 0) == sizeof random) options.seed = random;
  }
  return postern::demo::RunProgram(options);
}
