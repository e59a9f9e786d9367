"""What a student agrees to before an attempt starts, in plain words. A new text needs a new version."""

from __future__ import annotations

CONSENT_VERSION = "2026-11"

CONSENT_HTML = """
<p>During this exam your camera and microphone are sent to the exam's server.</p>
<ul>
  <li><strong>Who sees it.</strong> The proctors of this exam, live, and its professor afterwards.</li>
  <li><strong>What is kept.</strong> A recording, still pictures of moments a proctor should look at,
      and what your browser reports about this page (for example that its tab was hidden).</li>
  <li><strong>What the computer does.</strong> It looks for things such as an empty chair, a second
      person or a phone, and compares your face with the picture taken at the start. It never judges:
      it points a person to a moment, and a person decides.</li>
  <li><strong>What it does not do.</strong> It does not guess feelings, and what it cannot see or hear
      well is never held against you.</li>
  <li><strong>Your choice.</strong> You can say no. Then the exam does not start here; talk to the
      people who invited you about another way to take it.</li>
</ul>
""".strip()
