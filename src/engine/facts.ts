import type { IssueFacts } from '../lifecycle/grant.js';
import type { Line } from '../lifecycle/line.js';
import type { SubjectFacts } from '../lifecycle/subject.js';
import type { Held } from '../lifecycle/status.js';
import type { Row } from '../ports.js';
import { decodeGrant, decodeRequest, type AccessRequest, type Grant } from '../records.js';
import type { Timekeeper } from '../time.js';
import type { ApproverDesk } from './approver-desk.js';
import { heldAmong } from './held.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './options.js';

/** Reads what a rule needs to know besides the record that it is about. */
export class Facts {
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #desk: ApproverDesk;

  constructor(settings: Settings, keeper: Timekeeper, ledger: Ledger, desk: ApproverDesk) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#desk = desk;
  }

  /** A subject's row first, then its set: whatever joins the set after that changes the row. */
  async ofSubject(id: string): Promise<SubjectFacts> {
    const subject = await this.#ledger.subject(id);
    const rows = await this.#ledger.live({ subject: id, at: this.#keeper.highest });
    return { subject, live: heldAmong(rows, id, this.#settings.decodeAll) };
  }

  /** What issuing this request's grants would rest on. */
  async forIssuing(request: AccessRequest): Promise<IssueFacts> {
    const facts = await this.ofSubject(request.subject);
    const origin = request.extension && (await this.#ledger.row('grant', request.extension.grantId));
    return { ...facts, limits: this.#settings.limits, asksAtStart: this.#desk.asksAtStart, origin: origin && decodeGrant(origin) };
  }

  /** The requests of a subject that have no recorded end. */
  async openRequests(subject: string): Promise<readonly AccessRequest[]> {
    const open: AccessRequest[] = [];
    for await (const rows of this.#ledger.pages({ kind: 'request', subject, open: true })) {
      open.push(...this.#settings.decodeAll(rows, decodeRequest).filter((request) => request.end === undefined));
    }
    return open;
  }

  /**
   * What goes on from a grant, and ends when it is ended: its successors, theirs, and the open requests to extend any of them.
   *
   * @param onUnreadable called for each successor that can not be read, and so can not be ended
   */
  async line(grant: Grant, onUnreadable?: (row: Row, error: unknown) => void): Promise<Line> {
    // An approval moves what is open behind a grant, and writes that grant. So what is open is read first: whatever is
    // approved since is found behind the grant, or refuses the change. A grant that has its end is not written again,
    // and so must be read again.
    const open = await this.openRequests(grant.subject);
    const [root] = grant.end === undefined ? [] : await this.#ledger.heldAll([grant.id]);
    const successors: Held[] = [];
    const ids = new Set([grant.id]);
    let next = idsOf(root?.grant ?? grant);
    while (next.length > 0) {
      const found = await this.#ledger.heldAll(next, onUnreadable);
      for (const id of next) ids.add(id);
      successors.push(...found);
      next = found.flatMap((held) => idsOf(held.grant)).filter((id) => !ids.has(id));
    }
    return { successors, requests: open.filter(({ extension }) => extension !== undefined && ids.has(extension.grantId)) };
  }
}

const idsOf = ({ successors }: Grant): readonly string[] => successors.map(({ grantId }) => grantId);
