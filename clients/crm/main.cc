// SPDX-License-Identifier: Apache-2.0
// postern-crm: keeps a Tryton server's parties up to date with who wrote to you.
#include <CLI/CLI.hpp>

#include "clients/crm/program.h"

int main(int argc, char** argv) {
  using postern::crm::ExitCode;
  using postern::crm::Program;
  CLI::App app{
      "Keeps a Tryton server up to date with who wrote to you, when and how often.\n"
      "Without a command it runs until it is stopped.\n"};
  app.name("postern-crm");
  std::string config_path = postern::crm::DefaultConfigPath();
  app.add_option("--config", config_path, "The configuration")->capture_default_str();
  std::string manifest_path;
  app.add_option("--manifest", manifest_path, "A manifest in place of the built-in one")
      ->check(CLI::ExistingFile);
  app.require_subcommand(0, 1);
  app.add_subcommand("run", "Run until stopped (what happens without a command)");
  const auto* check = app.add_subcommand("check", "Try the configuration and the login");
  const auto* people =
      app.add_subcommand("people", "List people, and the party each is matched with");
  auto* link = app.add_subcommand("link", "Match a person with a party of Tryton, by hand");
  std::string who, party;
  link->add_option("WHO", who, "A person's name, or WHO as `people` lists it")->required();
  link->add_option("PARTY", party, "A party's name, code or id")->required();
  const auto* ask =
      app.add_subcommand("ask", "Ask you for what the configuration wants and is not allowed");
  const auto* erase = app.add_subcommand(
      "erase", "Remove all that this app put into Tryton and keeps here, with its key");
  app.footer(
      "\nExamples:\n"
      "  postern-crm check\n"
      "  postern-crm --config ./crm.toml\n"
      "  postern-crm people\n"
      "  postern-crm link \"Alice Novak\" 17\n"
      "\nExit codes: 0 done or stopped, 1 failed (may go better later: also when Postern cannot "
      "ask you now),\n"
      "2 usage or configuration, 4 not allowed (any more), 5 Tryton refuses (login, database, "
      "certificate,\n"
      "rights).");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(app.exit(error) == 0 ? ExitCode::kOk : ExitCode::kUsage);
  }
  auto config = postern::crm::LoadConfig(config_path);
  if (!config.ok()) {
    postern::crm::Fail(config.status());
    return static_cast<int>(ExitCode::kUsage);
  }
  Program program(*std::move(config), manifest_path);
  ExitCode code = ExitCode::kOk;
  if (check->parsed()) {
    code = program.Check();
  } else if (people->parsed()) {
    code = program.ListPeople();
  } else if (link->parsed()) {
    code = program.Link(who, party);
  } else if (ask->parsed()) {
    code = program.Ask();
  } else if (erase->parsed()) {
    code = program.Erase();
  } else {
    code = program.Run();
  }
  return static_cast<int>(code);
}
