"""What training, serving and the site share about recommendations: models, versions on disk, keys in Redis, messages."""
