"""What pairs of vocabularies share, counted beforehand: `DRAFT--TARGET.yaml`, one file each.

Keys: draft, target, draft_tokens, target_tokens, shared, weighted_of_draft, weighted_of_target, counted_on; and under
`rehearsed`: guesses, candidates, own, canonical, encoded_bytes, guess_us, text_us, timed_on.
"""
