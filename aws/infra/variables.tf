# Who and where ------------------------------------------------------------------------------------------------------

variable "region" {
  description = "AWS region of everything except the billing alarm, which AWS offers in us-east-1 only."
  type        = string
  default     = "ap-southeast-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "Must be the code of an AWS region, such as ap-southeast-1."
  }
}

variable "project" {
  description = "First part of every name, and the tag Project. 3 to 20 lower-case letters, digits and hyphens."
  type        = string
  default     = "retail-forecast"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.project))
    error_message = "Must be 3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Second part of every name, and the tag Environment: dev, staging or prod."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "Must be dev, staging or prod."
  }
}

variable "owner" {
  description = "Who answers for what is made here: the tag Owner. An address or the name of a team."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9 ._@+=:/-]{2,128}$", var.owner))
    error_message = "Must be 2 to 128 characters that AWS allows in a tag."
  }
}

variable "expires_at" {
  description = "Day after which this may be torn down, YYYY-MM-DD, or never: the tag ExpiresAt."
  type        = string

  validation {
    condition     = var.expires_at == "never" || can(formatdate("YYYY", "${var.expires_at}T00:00:00Z"))
    error_message = "Must be a day, YYYY-MM-DD, or never."
  }
}

variable "api_max_retries" {
  description = "How often a call to AWS is repeated after it was throttled or failed (1 to 50)."
  type        = number
  default     = 25

  validation {
    condition     = var.api_max_retries >= 1 && var.api_max_retries <= 50
    error_message = "Must lie between 1 and 50."
  }
}

variable "s3_path_style" {
  description = "Address buckets by path instead of by host name: what gateways and emulators of S3 need."
  type        = bool
  default     = false
}

# Network ------------------------------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Addresses of the network; the prefix is 16 to 20 bits long, and each subnet takes a sixteenth of it."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    error_message = "Must be an IPv4 block with a prefix of 16 to 20 bits."
  }
}

variable "zones" {
  description = "Availability zones that the network spans (2 to 3; EKS and the load balancer need two)."
  type        = number
  default     = 2

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "Must be 2 or 3."
  }
}

variable "nat_gateways" {
  description = "single = one NAT gateway for all zones (cheaper; its zone is a single point of failure); per_zone = one in each."
  type        = string
  default     = "single"

  validation {
    condition     = contains(["single", "per_zone"], var.nat_gateways)
    error_message = "Must be single or per_zone."
  }
}

variable "interface_endpoints" {
  description = "Services reached by an interface endpoint instead of through NAT; each bills per zone and hour. S3 and DynamoDB always have a gateway endpoint, which is free."
  type        = set(string)
  default     = []

  validation {
    condition = length(setsubtract(var.interface_endpoints, [
      "athena", "autoscaling", "ec2", "ecr.api", "ecr.dkr", "elasticloadbalancing", "glue", "kms", "logs", "monitoring",
      "sagemaker.api", "sagemaker.featurestore-runtime", "sagemaker.runtime", "sts",
    ])) == 0
    error_message = "Known are athena, autoscaling, ec2, ecr.api, ecr.dkr, elasticloadbalancing, glue, kms, logs, monitoring, sagemaker.api, sagemaker.featurestore-runtime, sagemaker.runtime and sts."
  }
}

variable "domain_name" {
  description = "Name under which the API is reached over TLS; empty = no certificate is requested."
  type        = string
  default     = ""

  validation {
    condition     = var.domain_name == "" || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "Must be a domain name or empty."
  }
}

variable "hosted_zone_id" {
  description = "Route 53 zone that proves domain_name to be yours; empty = put the record of the output certificate.validation into your DNS by hand."
  type        = string
  default     = ""

  validation {
    condition     = var.hosted_zone_id == "" || can(regex("^Z[A-Z0-9]{4,31}$", var.hosted_zone_id))
    error_message = "Must be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ, or empty."
  }
}

# Security and audit -------------------------------------------------------------------------------------------------

variable "audit_lock_mode" {
  description = "GOVERNANCE = audit objects can be deleted before their time with a special permission; COMPLIANCE = by nobody, not even the account's root."
  type        = string
  default     = "GOVERNANCE"

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.audit_lock_mode)
    error_message = "Must be GOVERNANCE or COMPLIANCE."
  }
}

variable "audit_lock_days" {
  description = "Days for which an audit object cannot be changed or deleted (1 to 3650)."
  type        = number
  default     = 30

  validation {
    condition     = var.audit_lock_days >= 1 && var.audit_lock_days <= 3650
    error_message = "Must lie between 1 and 3650 days."
  }
}

variable "audit_retention_days" {
  description = "Days after which audit objects expire; more than audit_lock_days."
  type        = number
  default     = 365

  validation {
    condition     = var.audit_retention_days > var.audit_lock_days
    error_message = "Must be more than audit_lock_days."
  }
}

variable "audit_data_events" {
  description = "Record each read and write of an object of the lake as well; CloudTrail bills them."
  type        = bool
  default     = false
}

variable "key_deletion_days" {
  description = "Days between the deletion of a KMS key and its end, in which it can be called back (7 to 30). A key that waits costs nothing."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_days >= 7 && var.key_deletion_days <= 30
    error_message = "Must lie between 7 and 30 days."
  }
}

variable "protect_data" {
  description = "Guard lake, artifacts, workspace and features against deletion: the tag Protected, deletion protection of the table and daily backups of the workspace. Teardown refuses what is guarded."
  type        = bool
  default     = true
}

variable "ci_oidc" {
  description = "OpenID Connect issuer of your CI service, the audience and the subjects that may take the CI role; null = no such role. The AWS account must not have a provider for that issuer yet."
  type = object({
    issuer_url = string
    audience   = string
    subjects   = set(string)
  })
  default = null

  validation {
    condition     = var.ci_oidc == null || try(startswith(var.ci_oidc.issuer_url, "https://") && length(var.ci_oidc.subjects) > 0 && !contains(var.ci_oidc.subjects, "*"), false)
    error_message = "The issuer's address begins with https://, and subjects are named: at least one, and none is a bare *."
  }
}

# Lake and catalog ---------------------------------------------------------------------------------------------------

variable "superseded_days" {
  description = "Days for which replaced and deleted versions of objects are kept (1 to 3650)."
  type        = number
  default     = 30

  validation {
    condition     = var.superseded_days >= 1 && var.superseded_days <= 3650
    error_message = "Must lie between 1 and 3650 days."
  }
}

variable "raw_archive_days" {
  description = "Days without access after which S3 Intelligent-Tiering may archive raw till files (90 to 730); 0 = never. An archived file must be restored, which takes hours, before it can be read again."
  type        = number
  default     = 0

  validation {
    condition     = var.raw_archive_days == 0 || (var.raw_archive_days >= 90 && var.raw_archive_days <= 730)
    error_message = "Must be 0, or lie between 90 and 730 days."
  }
}

variable "athena_scan_limit_gb" {
  description = "A query of the Athena workgroup that reads more is cancelled (1 to 1000) [GB]."
  type        = number
  default     = 10

  validation {
    condition     = var.athena_scan_limit_gb >= 1 && var.athena_scan_limit_gb <= 1000
    error_message = "Must lie between 1 and 1000 GB."
  }
}

variable "saved_queries" {
  description = "Save the statements that make the lake's views in the Athena workgroup."
  type        = bool
  default     = true
}

variable "etl_schedule" {
  description = "When Glue takes in new till files, as an EventBridge schedule such as cron(0 3 ? * TUE *); empty = on demand only."
  type        = string
  default     = ""

  validation {
    condition     = var.etl_schedule == "" || can(regex("^cron\\(([^ ]+ ){5}[^ ]+\\)$", var.etl_schedule))
    error_message = "Must be cron(...) with six fields, or empty."
  }
}

variable "release" {
  description = "Version of the package whose wheel the Glue job installs, as MAJOR.MINOR.PATCH."
  type        = string
  default     = "0.1.0"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.release))
    error_message = "Must be MAJOR.MINOR.PATCH, such as 0.1.0."
  }
}

variable "etl_workers" {
  description = "Workers of the type G.1X (4 cores, 16 GB) of the Glue job (2 to 50)."
  type        = number
  default     = 2

  validation {
    condition     = var.etl_workers >= 2 && var.etl_workers <= 50
    error_message = "Must lie between 2 and 50."
  }
}

# Features and training ----------------------------------------------------------------------------------------------

variable "feature_groups" {
  description = "Register the features in SageMaker Feature Store; off, the online table in DynamoDB and the history in the lake serve alone."
  type        = bool
  default     = true
}

variable "model_package_groups" {
  description = "Mirror versions of models in SageMaker Model Registry; off, the registry in the bucket artifacts serves alone."
  type        = bool
  default     = true
}

variable "training_instance_types" {
  description = "Instance types that training and tuning jobs may use; anything else is refused by IAM."
  type        = set(string)
  default     = ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge"]

  validation {
    condition     = length(var.training_instance_types) > 0 && alltrue([for t in var.training_instance_types : startswith(t, "ml.")])
    error_message = "Must name at least one type, each beginning with ml."
  }
}

variable "training_max_hours" {
  description = "Longest running time of a training job (1 to 120); anything longer is refused by IAM [h]."
  type        = number
  default     = 4

  validation {
    condition     = var.training_max_hours >= 1 && var.training_max_hours <= 120
    error_message = "Must lie between 1 and 120 hours."
  }
}

# Registry -----------------------------------------------------------------------------------------------------------

variable "images_kept" {
  description = "Images that each ECR repository keeps (2 to 500)."
  type        = number
  default     = 30

  validation {
    condition     = var.images_kept >= 2 && var.images_kept <= 500
    error_message = "Must lie between 2 and 500."
  }
}

# Cluster ------------------------------------------------------------------------------------------------------------

variable "kubernetes_version" {
  description = "Version of EKS; STANDARD support is chosen, so AWS upgrades it when that ends. 1.35 is supported until March 2027."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.(3[3-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "Must be 1.33 or later, as MAJOR.MINOR."
  }
}

variable "cluster_public_cidrs" {
  description = "Address blocks that reach the Kubernetes API from the internet; empty = it is reached from within the VPC only."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for block in var.cluster_public_cidrs : can(cidrnetmask(block)) && !endswith(block, "/0")])
    error_message = "Each must be an IPv4 block, and none of them the whole internet."
  }
}

variable "cluster_admin_arns" {
  description = "IAM roles or users that administer the cluster besides whoever makes it."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.cluster_admin_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/", arn))])
    error_message = "Each must be the ARN of an IAM role or user."
  }
}

variable "addon_versions" {
  description = "EKS add-ons and their versions, for the kubernetes_version chosen; empty = none: EKS's own networking add-ons stay unmanaged, and pods have no metrics. See `aws eks describe-addon-versions`."
  type        = map(string)
  default = {
    "vpc-cni"                         = "v1.21.1-eksbuild.3"
    "kube-proxy"                      = "v1.35.0-eksbuild.2"
    "coredns"                         = "v1.13.2-eksbuild.1"
    "metrics-server"                  = "v0.8.0-eksbuild.6"
    "amazon-cloudwatch-observability" = "v5.3.0-eksbuild.1"
  }

  validation {
    condition     = length(var.addon_versions) == 0 || length(setsubtract(["vpc-cni", "kube-proxy", "coredns"], keys(var.addon_versions))) == 0
    error_message = "Without vpc-cni, kube-proxy and coredns no pod starts: name all three or no add-on at all."
  }
}

variable "serving_nodes" {
  description = "On-demand nodes for the inference server: instance types, and least, wanted and greatest number."
  type = object({
    instance_types = list(string)
    min            = number
    desired        = number
    max            = number
  })
  default = { instance_types = ["t3.medium"], min = 2, desired = 2, max = 4 }

  validation {
    condition     = var.serving_nodes.min >= 1 && var.serving_nodes.min <= var.serving_nodes.desired && var.serving_nodes.desired <= var.serving_nodes.max
    error_message = "1 <= min <= desired <= max must hold."
  }
}

variable "job_nodes" {
  description = "Spot nodes for jobs, from none: instance types (several, so that one of them is free) and greatest number."
  type = object({
    instance_types = list(string)
    max            = number
  })
  default = { instance_types = ["m5.large", "m5a.large", "m6i.large"], max = 2 }

  validation {
    condition     = length(var.job_nodes.instance_types) >= 2 && var.job_nodes.max >= 1
    error_message = "At least two instance types and at least one node must be allowed."
  }
}

variable "office_hours" {
  description = "When the nodes run, as EventBridge schedules in a time zone; outside of it they are switched off. null = always."
  type = object({
    start     = string
    stop      = string
    time_zone = string
  })
  default = null

  validation {
    condition     = var.office_hours == null || try(alltrue([for s in [var.office_hours.start, var.office_hours.stop] : can(regex("^cron\\(([^ ]+ ){5}[^ ]+\\)$", s))]), false)
    error_message = "start and stop must be cron(...) with six fields."
  }
}

# Observability and cost ---------------------------------------------------------------------------------------------

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps logs; one of the periods that it offers."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "Must be a period that CloudWatch offers, such as 7, 30, 90 or 365."
  }
}

variable "alert_emails" {
  description = "Addresses that alarms and budgets write to; each must confirm AWS's first mail."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "Each must be an e-mail address."
  }
}

variable "load_balancer" {
  description = "The part of the load balancer's ARN behind `loadbalancer/`, such as app/k8s-retail/0123456789abcdef, once the ingress has made it: switches on its alarms. Empty = none yet."
  type        = string
  default     = ""

  validation {
    condition     = var.load_balancer == "" || can(regex("^app/[A-Za-z0-9-]+/[0-9a-f]+$", var.load_balancer))
    error_message = "Must look like app/NAME/0123456789abcdef, or be empty."
  }
}

variable "composite_alarm" {
  description = "One alarm above all others of the service, so that one fault sends one mail; AWS bills it by the month."
  type        = bool
  default     = true
}

variable "budget_usd_month" {
  description = "What may be spent a month: mails at 80 %, at 100 % and when the forecast passes it; 0 = no budget [USD]."
  type        = number
  default     = 200

  validation {
    condition     = var.budget_usd_month >= 0
    error_message = "Must not be negative."
  }
}

variable "billing_alarm" {
  description = "Alarm in us-east-1 on the account's estimated charges beyond budget_usd_month; needs billing alerts switched on in the account."
  type        = bool
  default     = false

  validation {
    condition     = !var.billing_alarm || var.budget_usd_month > 0
    error_message = "There is no amount to watch for: set budget_usd_month."
  }
}

variable "cost_allocation_tags" {
  description = "Activate the tags Project, Environment, Owner and ExpiresAt for cost reports; AWS knows a tag for that a day after it was first used, so not on the first apply."
  type        = bool
  default     = false
}
