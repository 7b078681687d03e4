// SPDX-License-Identifier: Apache-2.0
// postern-translator: reads along in the chats that the user opened to it, and translates.
//
// It needs no handling of signals: what was not done is not acknowledged, and comes again.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "clients/sdk/grants.h"
#include "clients/translator/access.h"
#include "clients/translator/advice.h"
#include "clients/translator/apertium.h"
#include "clients/translator/apertium_packages.h"
#include "clients/translator/broker_watch.h"
#include "clients/translator/embedded.h"
#include "clients/translator/interpreter.h"
#include "clients/translator/patience.h"
#include "clients/translator/skipped_chats.h"
#include "clients/translator/typed_lines.h"

namespace postern::translator {
namespace {

// How much of a chat's history tells what people there speak.
constexpr int kHistoryMessages = 100;

struct Arguments {
  std::string config_path;
  std::string manifest_path;
  std::string remote;
  std::string to;
  std::string from;
  std::vector<std::string> loops;
  std::string chat;
  std::vector<std::string> words;
};

absl::StatusOr<Config> ConfigOf(const Arguments& arguments) {
  auto config = LoadConfig(arguments.config_path);
  if (!config.ok()) return config;
  config->manifest_path = arguments.manifest_path;
  if (!arguments.remote.empty()) config->remote.url = arguments.remote;
  if (!arguments.to.empty()) {
    auto languages = ReadLanguages(arguments.to);
    if (!languages.ok()) return languages.status();
    config->languages = *std::move(languages);
  }
  for (const std::string& loop : arguments.loops) {
    if (const absl::Status status = AddLoop(loop, *config); !status.ok()) return status;
  }
  return config;
}

absl::StatusOr<std::unique_ptr<Engine>> EngineOf(const Config& config) {
  if (config.remote.url.empty()) return std::make_unique<Apertium>(config.apertium);
  return LibreTranslate::Make(config.remote);
}

// What every command that talks to Postern has.
struct Program {
  Config config;
  Screen screen;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<sdk::Client> client;
  ChatNames names;
  std::unique_ptr<LanguageGuess> guess;
  std::unique_ptr<Answers> answers;
  std::unique_ptr<SkippedChats> skipped;

  absl::Status Start(const Arguments& arguments, Reach reach) {
    auto read = ConfigOf(arguments);
    if (!read.ok()) return read.status();
    config = *std::move(read);
    auto made = EngineOf(config);
    if (!made.ok()) return made.status();
    engine = *std::move(made);
    const auto directory = StateDirectoryOf(config);
    if (!directory.ok()) return directory.status();
    skipped =
        std::make_unique<SkippedChats>(config.skip, absl::StrCat(*directory, "/skipped"), screen);
    auto connected = Connect(config, reach, screen);
    if (!connected.ok()) return LetGoIfOver(connected.status());
    client = *std::move(connected);
    guess = std::make_unique<LanguageGuess>([this](const std::string& chat_id) {
      auto page = client->ListMessages(chat_id, {.page_size = kHistoryMessages, .page_token = {}});
      // Not allowed, as a rule; then only what passes by tells.
      return page.ok() ? std::move(page->items) : std::vector<v1::Message>();
    });
    answers = std::make_unique<Answers>(*client, *engine, config.languages.front(), screen);
    return LetGoIfOver(Patiently("Reading the chats", screen, [&] { return names.Load(*client); }));
  }

  // Returns 'status'. Where that is the end of the access, nothing is kept, and Postern is told so.
  absl::Status LetGoIfOver(const absl::Status& status) {
    if (sdk::AccessIsOver(status)) EraseIfOver(config, [this] { skipped->Forget(); });
    return status;
  }
};

// Finds the chats that are skipped, and says of which names there never was one.
absl::Status FindSkipped(Program& program) {
  if (const auto status = program.skipped->Load(); !status.ok()) return status;
  for (const auto& [id, name] : program.names.All()) program.skipped->Has(id, name);
  for (const std::string& name : program.config.skip) {
    if (program.skipped->Found(name)) continue;
    if (const auto id = program.names.IdOf(name); !id.ok()) {
      program.screen.Note(absl::StrCat("skip: ", std::string(id.status().message())));
    }
  }
  return absl::OkStatus();
}

enum class Audience { kPerson, kNobody };

absl::Status Follow(const Arguments& arguments, Audience audience) {
  Program program;
  if (audience == Audience::kNobody) program.screen.HideMessages();
  const Reach reach = audience == Audience::kNobody ? Reach::kWait : Reach::kOnce;
  if (const auto status = program.Start(arguments, reach); !status.ok()) return status;
  if (const auto status = CheckMayRead(*program.client); !status.ok()) return status;
  if (const auto status = FindSkipped(program); !status.ok()) return status;
  Loops loops(*program.client, program.names, program.screen);
  loops.Begin(program.config);
  if (audience == Audience::kNobody && loops.empty()) {
    return absl::InvalidArgumentError(
        "There is nothing to do: `run` shows nothing, and it is looped into no chat. Name one "
        "under [loops], or use `postern-translator watch`.");
  }
  Interpreter interpreter({*program.client, *program.engine, *program.guess, program.names, loops,
                           *program.answers, *program.skipped, program.screen, program.config});
  std::unique_ptr<TypedLines> typed;
  if (audience == Audience::kPerson) {
    typed = std::make_unique<TypedLines>(
        [&](const std::string& line) { program.answers->Typed(line); });
  }
  const BrokerWatch watch(*program.client, program.screen);
  return interpreter.Run();
}

absl::Status Answer(const Arguments& arguments) {
  Program program;
  if (const auto status = program.Start(arguments, Reach::kOnce); !status.ok()) return status;
  const auto chat = program.names.IdOf(arguments.chat);
  if (!chat.ok()) return chat.status();
  auto into = arguments.from.empty() ? program.guess->UsualIn(*chat, program.config.languages)
                                     : FindLanguage(arguments.from);
  if (!into.has_value()) {
    return absl::InvalidArgumentError(
        "Which language this chat speaks is not known: say it with --into, e.g. --into es.");
  }
  // How it ends comes as an event: listen before asking.
  const auto events = program.client->Subscribe({.name = "", .cursor = {}});
  while (events->cursor().empty()) {
    const auto event = events->Next(absl::Milliseconds(50));
    if (!event.ok() && !absl::IsDeadlineExceeded(event.status())) return event.status();
  }
  const auto offered =
      program.answers->Offer({*chat, "", *into}, absl::StrJoin(arguments.words, " "));
  if (!offered.ok()) return offered.status();
  if (!*offered) {
    std::string line;
    std::getline(std::cin, line);
    program.answers->Typed(line.empty() ? "n" : line);
  }
  while (program.answers->waiting()) {
    const auto event = events->Next();
    if (!event.ok()) return event.status();
    program.answers->Ended(*event);
  }
  return absl::OkStatus();
}

absl::Status AllowAnswers(const Arguments& arguments) {
  Program program;
  if (const auto status = program.Start(arguments, Reach::kOnce); !status.ok()) return status;
  const auto status =
      AskFor(*program.client, v1::SCOPE_MESSAGES_SEND_ASK, "",
             "Sends your answers translated; you are asked about each.", program.screen);
  if (status.ok()) program.screen.Note("Allowed. You are asked about each answer.");
  return status;
}

absl::Status Pairs(const Arguments& arguments) {
  const auto config = ConfigOf(arguments);
  if (!config.ok()) return config.status();
  const ApertiumModes modes = ApertiumModes::Read(config->apertium.modes_directory);
  for (const auto& [pair, stages] : modes.pairs()) {
    std::printf("%s to %s\n", NameOf(pair.first).c_str(), NameOf(pair.second).c_str());
  }
  if (modes.pairs().empty()) {
    return absl::NotFoundError(
        "No language pair is installed. `apt install apertium-eng-spa` adds English and Spanish; "
        "`apt search apertium-` shows all.");
  }
  return absl::OkStatus();
}

absl::Status Text(const Arguments& arguments) {
  const auto config = ConfigOf(arguments);
  if (!config.ok()) return config.status();
  const auto engine = EngineOf(*config);
  if (!engine.ok()) return engine.status();
  const std::string text = absl::StrJoin(arguments.words, " ");
  const auto from = arguments.from.empty() ? DetectLanguage(text) : FindLanguage(arguments.from);
  if (!from.has_value()) {
    return absl::InvalidArgumentError("Which language this is does not show; say it with --from.");
  }
  if (*from == config->languages.front()) {
    return absl::InvalidArgumentError(
        absl::StrCat("That is ", NameOf(*from), " already; say with --to into what."));
  }
  const auto translated = (*engine)->Translate(text, *from, config->languages.front());
  if (absl::IsNotFound(translated.status()) && arguments.from.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(translated.status().message()), " If the text is not ",
                     NameOf(*from), ", say with --from what it is, e.g. --from es."));
  }
  // UNAVAILABLE would be taken for posternd's.
  if (!translated.ok()) return absl::FailedPreconditionError(translated.status().message());
  std::printf("%s\n", Printable(*translated).c_str());
  return absl::OkStatus();
}

int Finish(const Arguments& arguments, const absl::Status& status) {
  if (status.ok()) return kDone;
  std::string folder;
  if (sdk::ErrorReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED ||
      absl::IsPermissionDenied(status)) {
    if (const auto config = ConfigOf(arguments); config.ok()) {
      folder = StateDirectoryOf(*config).value_or("");
    }
  }
  const Advice advice = AdviceFor(status, folder);
  std::fprintf(stderr, "postern-translator: %s\n", advice.line.c_str());
  return advice.exit_code;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Translates what others write to you, on this device."};
  app.name("postern-translator");
  app.require_subcommand(0, 1);
  app.add_flag_callback(
      "--print-config",
      [] {
        std::fputs(kConfigToml, stdout);
        throw CLI::Success();
      },
      "Print a configuration file with every option, and exit");
  app.fallthrough();
  app.add_option("--config", arguments.config_path,
                 "Settings [~/.config/postern-translator/translator.toml]");
  app.add_option("--to", arguments.to,
                 "The languages that you read, the one to translate into first, e.g. en,de");
  app.add_option("--remote", arguments.remote,
                 "Translate on this LibreTranslate server. What is translated is sent there");
  app.add_option("--manifest", arguments.manifest_path,
                 "Ask Postern with this manifest instead of the built-in one");

  const auto add = [&](const char* name, const char* what) {
    return app.add_subcommand(name, what);
  };
  CLI::App* watch = add("watch", "Show translations as messages come in, and take answers");
  CLI::App* run = add("run", "Show nothing; post translations in the chats it is looped into");
  for (CLI::App* command : {watch, run}) {
    command->add_option(
        "--loop", arguments.loops,
        "Post translations in this chat, CHAT=LANGUAGES, e.g. \"Friday dinner=en,es\"");
  }
  CLI::App* answer = add("answer", "Translate a text and offer to send it");
  answer->add_option("--into", arguments.from, "The chat's language [what people there write]");
  answer->add_option("CHAT", arguments.chat, "The chat, by name")->required();
  answer->add_option("TEXT", arguments.words, "What to say, in your own language")->required();
  CLI::App* allow = add("allow-answers", "Ask to be allowed to offer answers");
  CLI::App* pairs = add("pairs", "List the languages that Apertium can translate here");
  CLI::App* text = add("text", "Translate a text, without Postern");
  text->add_option("--from", arguments.from, "Its language [what it looks like]");
  text->add_option("TEXT", arguments.words, "The text")->required();
  app.footer(
      "\nExamples:\n"
      "  postern-translator text --to es \"Where is the station?\"\n"
      "  postern-translator watch --to en\n"
      "      [1] Friday dinner, María García (Spanish): ¿A qué hora quedamos el viernes?\n"
      "          → To which hour remain the Friday?\n"
      "      then type:  1 At eight.\n"
      "  postern-translator answer \"María García\" \"I am on my way\" --into es\n"
      "  postern-translator run --loop \"Friday dinner=en,es\"\n"
      "  postern-translator watch --remote https://translate.example\n"
      "\nExit codes: 0 done, 1 failed, 2 usage or settings, 3 posternd does not run, 4 not "
      "allowed: refused, not answered, or taken back.\n"
      "What passes by itself, as a locked screen or too many questions, is 1; `run` waits it out.");
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return absl::StrCat("postern-translator: ", error.what(),
                        " (`postern-translator --help` shows what there is)\n");
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  // A pipeline that died is an error to be handled, not our end.
  ::signal(SIGPIPE, SIG_IGN);
  if (*run) return Finish(arguments, Follow(arguments, Audience::kNobody));
  if (*answer) return Finish(arguments, Answer(arguments));
  if (*allow) return Finish(arguments, AllowAnswers(arguments));
  if (*pairs) return Finish(arguments, Pairs(arguments));
  if (*text) return Finish(arguments, Text(arguments));
  return Finish(arguments, Follow(arguments, Audience::kPerson));
}

}  // namespace
}  // namespace postern::translator

int main(int argc, char** argv) { return postern::translator::Main(argc, argv); }
