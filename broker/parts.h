// SPDX-License-Identifier: Apache-2.0
// What services are made of: references to the parts that Broker builds and owns. No globals.
#pragma once

#include "broker/trusted_clock.h"
#include "permissions/id_cipher.h"

namespace postern::broker {

class AccessHistory;
class AdapterTable;
class AppRegistry;
class AttachmentIndex;
class AttachmentStore;
class AttachmentTransfers;
class ConsentDesk;
class Deliveries;
class Directory;
class DisclosureBook;
class Door;
class ErasureBook;
class EventLog;
class History;
class IncomingTimes;
class LeaseTable;
class LiveStreams;
class LoopGuard;
class MessageIndex;
class MethodGate;
class OwnerNotices;
class OwnerSight;
class PseudonymBook;
class Purge;
class RequestLedger;
class SealBook;
class SendLimits;
class Shutdown;
class Store;
class StoreAnchor;
class SubscriptionStore;
class UploadBook;

struct Parts {
  const permissions::IdMaker& ids;
  // What decisions go by (trusted_clock.h).
  const TrustedClock& clock;
  // The same without jumps ahead that are in doubt: what dates records and grants, and forgets.
  const platform::Clock& confirmed_clock;
  Store& store;
  EventLog& log;
  MessageIndex& index;
  History& history;
  SealBook& seals;
  Directory& directory;
  AppRegistry& apps;
  PseudonymBook& pseudonyms;
  SubscriptionStore& subscriptions;
  RequestLedger& requests;
  SendLimits& limits;
  LoopGuard& loops;
  IncomingTimes& incoming;
  LeaseTable& leases;
  AdapterTable& adapters;
  // What the log says of files, their bytes, and what is on its way (attachment_index.h).
  AttachmentIndex& files;
  AttachmentStore& attachments;
  AttachmentTransfers& transfers;
  UploadBook& uploads;
  DisclosureBook& disclosures;
  LiveStreams& streams;
  ConsentDesk& consent;
  OwnerSight& sight;
  OwnerNotices& notices;
  Purge& purge;
  AccessHistory& accesses;
  StoreAnchor& anchor;
  Deliveries& deliveries;
  ErasureBook& erasures;
  Door& door;
  const MethodGate& gate;
  const Shutdown& shutdown;
};

}  // namespace postern::broker
