"""What was committed against what was accepted."""

import collections


class Findings(list):
    def note(self, text):
        if len(self) < 30:
            self.append(text)


def check(journal, lines, subscriptions):
    """
    journal: (id, action, subject) of all committed entries in the journal's order.
    lines: what the receiver wrote: (letter, subscription, id, subject).
    subscriptions: by name, whether it is ordered and which (action, subject) it is to get.
    """
    findings = Findings()
    place = {number: index for index, (number, _, _) in enumerate(journal)}
    subject_of = {number: subject for number, _, subject in journal}
    accepted = collections.defaultdict(collections.Counter)
    last = {}
    turned = collections.Counter()
    for letter, name, number, subject in lines:
        if number not in place:
            findings.note(f"{name} got event {number} ({subject}), which was never committed")
            continue
        if subject_of[number] != subject:
            findings.note(f"{name} got {number} with the subject {subject}, which has {subject_of[number]}")
        if not subscriptions[name].wants(number, subject):
            findings.note(f"{name} got {number} ({subject}), which its filter does not let through")
        if letter != "a":
            continue
        seen = accepted[name]
        seen[number] += 1
        if subscriptions[name].ordered and seen[number] == 1:
            before = last.get((name, subject))
            if before is not None and place[before] > place[number]:
                turned[name] += 1
                findings.note(f"{name}: {number} of {subject} was accepted after {before}, which came later")
            last[name, subject] = number
    summary = {}
    for name, subscription in subscriptions.items():
        wanted = [number for number, _, subject in journal if subscription.wants(number, subject)]
        missing = [number for number in wanted if not accepted[name][number]]
        for number in missing[:5]:
            findings.note(f"{name} never got {number} ({subject_of[number]})")
        if missing:
            findings.note(f"{name} misses {len(missing)} of {len(wanted)}")
        again = sum(count - 1 for count in accepted[name].values())
        summary[name] = (len(wanted), len(missing), again, turned[name])
    return findings, summary
