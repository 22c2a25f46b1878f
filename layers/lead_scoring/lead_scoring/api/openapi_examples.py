"""Bodies to try, by path and name: as a client would send them."""

from collections.abc import Mapping
from typing import Any

_LEAD = {
    "lead_id": 123,
    "title": "Senior Python Developer ($120k-$140k)",
    "description": "Join a growing team of 12. Python, PostgreSQL, AWS. Health insurance, 401k.",
    "category": "software/backend",
    "location_name": "Remote",
    "price": 130000,
    "email": "jobs@example.com",
    "posted_at": "2024-01-01T09:00:00Z",
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "/score": {"a posting": _LEAD, "the least": {"lead_id": "crm-7", "title": "Office cleaning"}},
    "/batch-score": {
        "two leads": {"leads": [_LEAD, {"lead_id": "crm-7", "title": "Office cleaning"}]}
    },
    "/feedback": {
        "a conversion": {"lead_id": 123, "action_type": "convert", "conversion_value": 1500},
        "an unanswered contact": {
            "lead_id": 123,
            "action_type": "contact",
            "contact_successful": False,
            "user_id": "ann",
        },
        "a rating": {"lead_id": 123, "action_type": "rate", "user_rating": 80},
    },
    "/feedback/implicit": {
        "a session": {
            "session_id": "s-1",
            "user_id": "ann",
            "interactions": [
                {"lead_id": 123, "type": "view", "duration": 95},
                {"lead_id": "crm-7", "type": "archive", "duration": 4},
            ],
        }
    },
    "/models/{version}/activate": {"with a reason": {"reason": "It won the test."}},
    "/models/rollback": {"with a reason": {"reason": "Too many complaints."}},
    "/retrain": {
        "by the rules": {},
        "now, with deeper trees": {"force_retrain": True, "params": {"max_depth": 8}},
    },
    "/ab-tests": {
        "half and half": {
            "test_name": "newer-model",
            "variants": [
                {
                    "variant_name": "control",
                    "model_version": "v20240101_120000_abc12345",
                    "traffic_percentage": 50,
                    "is_control": True,
                },
                {
                    "variant_name": "newer",
                    "model_version": "v20240201_120000_def67890",
                    "traffic_percentage": 50,
                },
            ],
            "metric": "conversion",
            "expected_days": 14,
        }
    },
    "/ab-tests/{test_name}/score": {"for a user": {"lead_data": _LEAD, "user_id": "ann"}},
}
