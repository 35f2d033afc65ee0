# One developer's or team's environment: cheap, switched off at night, torn down without ceremony.
environment = "dev"
owner       = "retail-forecast@example.com"
expires_at  = "2027-12-31"

zones               = 2
nat_gateways        = "single"
interface_endpoints = []

audit_lock_mode      = "GOVERNANCE"
audit_lock_days      = 1
audit_retention_days = 90
key_deletion_days    = 7
protect_data         = false

superseded_days      = 7
athena_scan_limit_gb = 5
feature_groups       = false
images_kept          = 10

training_instance_types = ["ml.m5.large", "ml.m5.xlarge"]
training_max_hours      = 2

serving_nodes = { instance_types = ["t3.medium"], min = 1, desired = 1, max = 2 }
job_nodes     = { instance_types = ["m5.large", "m5a.large", "m6i.large"], max = 1 }
office_hours = {
  start     = "cron(0 8 ? * MON-FRI *)"
  stop      = "cron(0 20 ? * MON-FRI *)"
  time_zone = "Asia/Ho_Chi_Minh"
}

log_retention_days = 7
composite_alarm    = false
budget_usd_month   = 200
