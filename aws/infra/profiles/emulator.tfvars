# For an emulator of AWS (moto): with AWS_ENDPOINT_URL set, and without what such a one does not know.
environment = "dev"
owner       = "retail-forecast@example.com"
expires_at  = "2027-12-31"

s3_path_style   = true
api_max_retries = 2

audit_lock_days      = 1
audit_retention_days = 90
key_deletion_days    = 7
protect_data         = false

raw_archive_days     = 0
saved_queries        = false
feature_groups       = false
model_package_groups = false
addon_versions       = {}
composite_alarm      = false
budget_usd_month     = 0
