"""Made-up worlds, and CRMs planted from them with their truth."""
