# SPDX-License-Identifier: Apache-2.0
"""The field: one file a subject."""
